"""The playground for everybody: keys, fingers, small screens, themes, links, failed start-ups."""

import pytest
from playground import DIGIT_STROKES, LONG, QUICK, START_UP_MS, Playground
from playwright.sync_api import expect


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def tab_to(page, element_id):
    """Go to an element as a reader without a mouse does."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.id") == element_id:
            return
    pytest.fail(f"Tab does not reach {element_id}")


def test_everything_by_keyboard(playground, page):
    playground.open(LONG)

    press(page, "Space")
    playground.wait_for_step(10)
    press(page, "Space")
    playground.wait_for("paused")
    press(page, "Space")
    playground.wait_for("training")
    press(page, "s")
    playground.wait_for("ready")
    press(page, "?")
    expect(page.locator("#help")).to_be_visible()
    press(page, "Escape")
    expect(page.locator("#help")).to_be_hidden()

    tab_to(page, "pad")
    expect(page.locator("#pad-cursor")).to_be_visible()
    press(page, *["ArrowUp"] * 9)
    page.keyboard.down("Space")
    press(page, *["ArrowDown"] * 18)
    page.keyboard.up("Space")
    playground.wait_for_prediction()
    expect(page.locator("#probabilities")).to_have_attribute("data-digit", "1")
    press(page, "Delete")
    expect(page.locator("#verdict")).to_contain_text("Draw a digit")

    tab_to(page, "model-save")
    press(page, "Enter")
    assert "saved as" in playground.wait_for_model("done")
    tab_to(page, "model-load")
    press(page, "Enter")
    expect(page.locator("#status-text")).to_contain_text("Model loaded.")
    assert page.evaluate("document.activeElement?.id") == "model-load"

    press(page, "r")
    expect(page.locator("#status-text")).to_contain_text("New network.")


def test_a_finger_draws_and_does_not_scroll(playground, page):
    page.set_viewport_size({"width": 360, "height": 740})
    playground.open(QUICK)
    pad = page.locator("#pad")
    pad.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    box = pad.bounding_box()
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": list(points)})

    x = box["x"] + box["width"] / 2
    send("touchStart", {"x": x, "y": box["y"] + 40})
    for down in range(50, 230, 20):
        send("touchMove", {"x": x, "y": box["y"] + down})
    send("touchEnd")
    playground.wait_for_prediction()

    expect(pad).to_have_attribute("data-empty", "false")
    seen = page.evaluate(
        """() => {
          const context = document.querySelector('#seen').getContext('2d');
          const { data } = context.getImageData(14, 0, 1, 28);
          return data.filter((alpha, at) => at % 4 === 3 && alpha > 0).length;
        }"""
    )
    assert seen > 15  # a line from top to bottom, not a dot
    assert page.evaluate("scrollY") == before


def test_enter_holds_the_pen_for_those_who_cannot_hold_two_keys(playground, page):
    playground.open(QUICK)
    page.focus("#pad")
    press(page, "Enter")
    expect(page.locator("#pad-cursor")).to_have_attribute("data-pen", "down")
    press(page, *["ArrowDown"] * 8, "Enter")
    expect(page.locator("#pad-cursor")).to_have_attribute("data-pen", "up")
    expect(page.locator("#pad")).to_have_attribute("data-empty", "false")


def test_keys_are_left_alone_while_typing_and_can_be_switched_off(playground, page):
    playground.open(QUICK)
    page.fill("#model-id", "")
    page.locator("#model-id").press_sequentially("s r ?")
    assert page.input_value("#model-id") == "s r ?"
    expect(page.locator("#help")).to_be_hidden()

    page.click("#help-open")
    page.uncheck("#shortcuts-enabled")
    page.get_by_role("button", name="Close").click()
    page.locator("h1").click()
    press(page, "?", "Space")
    expect(page.locator("#help")).to_be_hidden()
    playground.wait_for("ready")


def test_a_phone_shows_one_column_without_sideways_scrolling(playground, page):
    page.set_viewport_size({"width": 360, "height": 740})
    playground.open(QUICK)
    playground.train()
    playground.read_drawing(DIGIT_STROKES[7])
    page.get_by_text("Training settings").first.click()
    page.get_by_text("The same as a table").click()

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    cards = [card.bounding_box() for card in page.locator("main > section").all()]
    assert len({round(card["x"]) for card in cards}) == 1
    for target in page.locator("button:visible, select:visible, summary:visible").all():
        box = target.bounding_box()
        assert box["height"] >= 44, target.evaluate("(element) => element.outerHTML")


def test_the_theme_follows_the_system_and_keeps_the_readers_choice(playground, page):
    page.emulate_media(color_scheme="dark")
    playground.open(QUICK)
    root = page.locator("html")
    background = "getComputedStyle(document.body).backgroundColor"
    expect(root).to_have_attribute("data-theme", "dark")
    dark = page.evaluate(background)

    page.click("#theme-toggle")
    expect(root).to_have_attribute("data-theme", "light")
    assert page.evaluate(background) != dark
    page.reload()
    expect(root).to_have_attribute("data-theme", "light")
    expect(page.locator("#theme-toggle")).to_have_attribute("aria-pressed", "false")


def test_a_link_carries_the_settings_and_is_not_trusted(playground, page):
    playground.open("#v=1&net=mlp&n=999999&epochs=-3&lr=0.04&batch=64&seed=nonsense&__proto__=1")

    value = page.input_value
    assert value("#setting-network") == "mlp"
    assert value("#setting-trainingDigits") == "8000"
    assert value("#setting-epochs") == "1"
    assert value("#setting-learningRate") == "0.05"
    assert value("#setting-batchSize") == "64"
    assert value("#setting-seed") == "1"
    expect(page.locator("#link-notes")).to_contain_text("Seed: the link's value is not usable")

    page.select_option("#setting-network", "cnn")
    expect(page).to_have_url(playground.url + "#v=1&n=8000&epochs=1&lr=0.05&batch=64")
    page.go_back()
    assert value("#setting-network") == "mlp"
    page.click("#default-settings")
    expect(page).to_have_url(playground.url + "#v=1")
    assert value("#setting-network") == "cnn"


def test_a_missing_file_is_named_and_can_be_tried_again(playground, page, page_log, site, site_url):
    page_log.expect_error("404")
    with site.missing("data/digits.bin"):
        page.goto(site_url)
        playground.wait_for("error", START_UP_MS)
        expect(page.locator("#error-message")).to_contain_text("digits.bin")
        expect(page.locator("#error-hint")).not_to_be_empty()
    page.click("#retry")
    playground.wait_for("ready", START_UP_MS)
    expect(page.locator("#error")).to_be_hidden()


def test_a_missing_part_of_python_is_named(playground, page, page_log, site, site_url):
    page_log.expect_error("404")
    with site.missing("pyodide/pyodide.asm.wasm"):
        page.goto(site_url)
        playground.wait_for("error", START_UP_MS)
    expect(page.locator("#error-message")).to_contain_text("pyodide.asm.wasm")


def test_the_page_works_without_python(page, page_log, site, site_url):
    page_log.expect_error("404")
    with site.missing("manifest.json"):
        page.goto(site_url)
        playground = Playground(page, site_url)
        expect(page.locator("#setting-network")).to_be_enabled()
        playground.wait_for("error", START_UP_MS)  # its message moves the pad
        playground.draw(DIGIT_STROKES[7])
        expect(page.locator("#pad")).to_have_attribute("data-empty", "false")
        expect(page.locator("#run")).to_be_disabled()
