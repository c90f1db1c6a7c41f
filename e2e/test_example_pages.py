"""The example pages run in a browser as they stand."""

from playwright.sync_api import Page


def test_xor_page_learns_and_answers(page: Page, site_url: str) -> None:
    page.goto(f"{site_url}examples/xor.html")
    page.wait_for_selector('html[data-state="done"]', timeout=60_000)
    assert "learnt in" in (page.text_content("#status") or "")
    lines = (page.text_content("#answers") or "").split("\n")[:4]
    assert [line[:9] for line in lines] == ["0 xor 0 =", "0 xor 1 =", "1 xor 0 =", "1 xor 1 ="]
    assert [round(float(line.split("=")[1])) for line in lines] == [0, 1, 1, 0]
