"""Drives the playground page as a reader would, and waits for its states, never for time."""

from playwright.sync_api import Locator, Page, expect

START_UP_MS = 60_000
TRAINING_MS = 300_000
PAD_SIZE = 280

#: Settings: small and quick, for what does not depend on how well the network reads.
QUICK = "#v=1&net=mlp&n=1000&epochs=1"
#: Settings: long enough that training does not end before the test has done its work.
LONG = "#v=1&net=mlp&n=8000&epochs=20"

Stroke = list[tuple[int, int]]

#: How somebody might draw each digit, as strokes of points on the 280 x 280 pad.
DIGIT_STROKES: dict[int, list[Stroke]] = {
    0: [[(140, 50), (95, 75), (80, 140), (95, 205), (140, 230), (185, 205), (200, 140), (185, 75),
         (140, 50)]],
    1: [[(150, 45), (140, 140), (132, 235)]],
    2: [[(85, 95), (100, 60), (140, 48), (180, 65), (185, 105), (155, 150), (85, 228), (200, 225)]],
    3: [[(90, 65), (140, 48), (182, 75), (170, 115), (125, 135), (175, 155), (188, 195), (145, 232),
         (88, 215)]],
    4: [[(105, 50), (85, 150), (190, 145)], [(175, 60), (165, 235)]],
    5: [[(185, 50), (105, 52), (98, 125), (150, 118), (190, 155), (178, 210), (130, 232),
         (85, 212)]],
    6: [[(170, 48), (120, 95), (92, 160), (100, 215), (140, 235), (182, 210), (180, 165),
         (140, 150), (100, 180)]],
    7: [[(85, 60), (195, 58), (160, 130), (125, 235)]],
    8: [[(175, 75), (140, 48), (102, 75), (120, 115), (165, 150), (182, 195), (140, 232), (98, 200),
         (112, 155), (165, 115), (175, 75)]],
    9: [[(180, 90), (145, 52), (102, 75), (105, 120), (145, 130), (180, 95), (172, 160),
         (158, 235)]],
}  # fmt: skip


class Playground:
    """One open playground."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def open(self, settings: str = "") -> None:
        """Open the page and wait until everything works; settings are the address after ``#``."""
        self.page.goto(self.url + settings)
        self.wait_for("ready", START_UP_MS)

    def wait_for(self, state: str, timeout_ms: int = TRAINING_MS) -> None:
        """Wait until the page is in a state: loading, ready, training, paused or error."""
        expect(self.page.locator("html")).to_have_attribute("data-state", state, timeout=timeout_ms)

    @property
    def status(self) -> Locator:
        """The line that says what the page is doing; facts stand in its data attributes."""
        return self.page.locator("#status")

    @property
    def accuracy(self) -> float:
        """Held-out accuracy of the run that has ended, 0 to 1."""
        return float(self.page.get_attribute("html", "data-accuracy") or "nan")

    def wait_for_step(self, at_least: int) -> int:
        """Wait until training has reported a step, and return the latest one reported."""
        self.page.locator(f"xpath=//*[@id='status'][@data-step >= {at_least}]").wait_for(
            timeout=TRAINING_MS
        )
        return self.step

    @property
    def step(self) -> int:
        """The training step reported last."""
        return int(self.status.get_attribute("data-step") or 0)

    def train(self) -> float:
        """Press Train, wait for the end, return the held-out accuracy."""
        self.page.click("#run")
        self.page.locator("html[data-accuracy]").wait_for(timeout=TRAINING_MS)
        return self.accuracy

    def draw(self, strokes: list[Stroke]) -> None:
        """Draw with the mouse on a cleared pad."""
        self.page.click("#clear")
        pad = self.page.locator("#pad")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        assert box is not None
        scale = box["width"] / PAD_SIZE
        mouse = self.page.mouse
        for first, *rest in strokes:
            mouse.move(box["x"] + first[0] * scale, box["y"] + first[1] * scale)
            mouse.down()
            for x, y in rest:
                mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=6)
            mouse.up()

    def read_drawing(self, strokes: list[Stroke]) -> int:
        """Draw, and return the digit that the page reads."""
        self.draw(strokes)
        self.wait_for_prediction()
        return int(self.page.get_attribute("#probabilities", "data-digit") or -1)

    def wait_for_prediction(self) -> None:
        """Wait until the probabilities shown are those of the picture on the pad."""
        revision = self.page.get_attribute("#pad", "data-revision") or ""
        expect(self.page.locator("#probabilities")).to_have_attribute("data-revision", revision)

    def probabilities(self) -> list[str]:
        """The ten probabilities with all their digits."""
        rows = self.page.locator("#probabilities tr")
        return [row.get_attribute("data-probability") or "" for row in rows.all()]

    def wait_for_model(self, result: str) -> str:
        """Wait until saving or loading is "done" or an "error"; return what the page says."""
        self.page.locator(f'#model-fields[data-result="{result}"]').wait_for()
        return self.page.inner_text(".result")
