"""Model strings in the playground: saved, loaded, and refused in words when they are wrong."""

import json

import pytest
from playground import DIGIT_STROKES, QUICK
from playwright.sync_api import expect

from loom_core import build_network_from_json, save_bundle_to_string

WRONG_TEXTS = [
    "",
    "not a model",
    "<!doctype html><title>404</title>",
    '{"a": ',
    "[]",
    "null",
    '{"id": "x"}',
]
HOSTILE = "<img src=x onerror=\"document.title='hacked'\">"


def dense(inputs, outputs):
    """A network of one dense layer."""
    layer = {"type": "dense", "input_size": inputs, "output_size": outputs}
    settings = {"grid_rows": 1, "grid_cols": 1, "layers_per_cell": 1, "layers": [layer]}
    return build_network_from_json(json.dumps(settings))


def test_wrong_text_is_refused_in_words_and_changes_nothing(playground, page):
    playground.open(QUICK)
    playground.read_drawing(DIGIT_STROKES[4])
    before = playground.probabilities()

    for text in WRONG_TEXTS:
        page.locator("#model-fields").evaluate("(fields) => delete fields.dataset.result")
        page.fill("#model-text", text)
        page.click("#model-load")
        said = playground.wait_for_model("error")
        assert "Loading did not work." in said, text
        assert "Traceback" not in said, text
        assert page.inner_text("#model-hint") != "", text

    playground.wait_for("ready")
    playground.read_drawing(DIGIT_STROKES[4])
    assert playground.probabilities() == before


def test_a_single_model_is_meant_whatever_name_is_written(playground, page):
    playground.open(QUICK)
    page.click("#model-save")
    playground.wait_for_model("done")

    page.fill("#model-id", "another name")
    page.click("#model-load")

    expect(page.locator("#status-text")).to_contain_text("Model loaded.")
    assert page.input_value("#model-id") == "digits"


def test_one_of_several_models_is_chosen_by_name(playground, page):
    playground.open(QUICK)
    page.fill("#model-text", save_bundle_to_string({name: dense(784, 10) for name in "ab"}))
    page.fill("#model-id", "c")
    page.click("#model-load")
    assert "2 models: “a”, “b”" in playground.wait_for_model("error")

    page.fill("#model-id", "b")
    page.click("#model-load")
    assert "“b” loaded" in playground.wait_for_model("done")
    expect(page.locator("#status-text")).to_contain_text("Model “b” with 7,850 weights")


@pytest.mark.parametrize(("inputs", "outputs"), [(100, 10), (784, 3)])
def test_a_model_of_another_shape_is_refused(playground, page, inputs, outputs):
    playground.open(QUICK)
    page.fill("#model-text", save_bundle_to_string({"other": dense(inputs, outputs)}))
    page.click("#model-load")

    playground.wait_for_model("error")
    expect(page.locator("#model-hint")).not_to_be_empty()
    expect(page.locator("#status-text")).to_contain_text("Ready: MLP")


def test_a_hostile_name_is_shown_as_text(playground, page):
    playground.open(QUICK)
    page.fill("#model-id", HOSTILE)
    page.click("#model-save")
    assert HOSTILE in playground.wait_for_model("done")
    page.click("#model-load")
    expect(page.locator("#status-text")).to_contain_text(f"Model “{HOSTILE}”")

    assert page.locator("img").count() == 0
    assert page.title() == "Loom playground: train a neural network in your browser"


def test_files_are_saved_opened_and_dropped(playground, page, tmp_path):
    playground.open(QUICK)
    page.fill("#model-id", "my ../ digits")
    with page.expect_download() as saving:
        page.click("#model-download")
    assert saving.value.suggested_filename == "my_digits.json"
    path = tmp_path / "model.json"
    saving.value.save_as(path)

    page.set_input_files("#model-file", path)
    expect(page.locator("#model-message")).to_contain_text("“my ../ digits” loaded")
    page.evaluate(
        """(text) => {
          const data = new DataTransfer();
          data.items.add(new File([text], 'dropped.json'));
          document.querySelector('#model-text').dispatchEvent(
            new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }),
          );
        }""",
        "an HTML page, say",
    )
    assert "Loading did not work." in playground.wait_for_model("error")
