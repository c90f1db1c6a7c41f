"""The playground's main story: train on digits, read drawn ones, keep the network."""

from playground import DIGIT_STROKES, LONG, QUICK
from playwright.sync_api import expect


def test_train_to_95_percent_draw_save_reload_and_load(playground, page):
    playground.open()

    accuracy = playground.train()

    assert accuracy >= 0.95
    expect(page.locator("#accuracy")).to_have_text(f"{accuracy * 100:.1f} %")
    read = {digit: playground.read_drawing(DIGIT_STROKES[digit]) for digit in DIGIT_STROKES}
    assert read[1] == 1
    assert read[7] == 7
    assert sum(digit == answer for digit, answer in read.items()) >= 9, read

    before = playground.probabilities()
    page.click("#model-save")
    playground.wait_for_model("done")
    model = page.input_value("#model-text")
    page.reload()
    playground.wait_for("ready")
    playground.draw(DIGIT_STROKES[9])
    playground.wait_for_prediction()
    assert playground.probabilities() != before  # a new network knows nothing

    page.fill("#model-text", model)
    page.click("#model-load")
    playground.wait_for_model("done")
    playground.read_drawing(DIGIT_STROKES[9])
    assert playground.probabilities() == before


def test_pause_holds_training_until_it_goes_on(playground, page):
    playground.open(LONG)
    page.click("#run")
    playground.wait_for_step(10)

    page.click("#run")
    playground.wait_for("paused")
    paused_at = playground.step
    playground.read_drawing(DIGIT_STROKES[3])  # the worker answers, so it would also train
    first = playground.probabilities()
    playground.read_drawing(DIGIT_STROKES[3])

    assert playground.step == paused_at
    assert playground.probabilities() == first
    page.click("#run")
    assert playground.wait_for_step(paused_at + 10) > paused_at
    page.click("#stop")
    playground.wait_for("ready")


def test_stop_keeps_what_was_learned(playground, page):
    playground.open(LONG)
    playground.read_drawing(DIGIT_STROKES[7])
    untrained = playground.probabilities()
    page.click("#run")
    playground.wait_for_step(50)

    page.click("#stop")
    playground.wait_for("ready")

    expect(page.locator("#status-text")).to_contain_text("Stopped.")
    expect(page.locator("#probabilities tr").nth(7)).not_to_have_attribute(
        "data-probability", untrained[7]
    )
    expect(page.locator("#run")).to_have_text("Train")


def test_a_training_shorter_than_the_warm_up_is_done_too(playground):
    playground.open(QUICK + "&batch=128&sched=warm_cosine")  # 8 steps
    assert 0 <= playground.train() <= 1


def test_start_over_during_training_gives_the_first_network_again(playground, page):
    playground.open(LONG)
    playground.read_drawing(DIGIT_STROKES[7])
    untrained = playground.probabilities()
    page.click("#run")
    playground.wait_for_step(20)

    page.click("#reset")
    expect(page.locator("#status-text")).to_contain_text("New network.")

    playground.read_drawing(DIGIT_STROKES[7])
    assert playground.probabilities() == untrained
    expect(page.locator("#chart-summary")).to_contain_text("Nothing learned yet")


def test_drawings_are_read_during_training(playground, page):
    playground.open(LONG)
    page.click("#run")
    playground.wait_for_step(10)

    playground.read_drawing(DIGIT_STROKES[1])

    playground.wait_for("training")
    page.click("#stop")
    playground.wait_for("ready")


def test_training_goes_on_where_it_stopped(playground, page):
    playground.open(QUICK)
    playground.train()
    page.click("#run")
    expect(page.locator("#chart-summary")).to_contain_text("After epoch 2")
    playground.wait_for("ready")

    page.get_by_text("The same as a table").click()
    epochs = page.locator("#history-rows tr td:first-child").all_inner_texts()
    assert epochs == ["1", "2"]
    expect(page.locator("#announcer")).to_contain_text("Epoch 1 of 1")


def test_a_sample_is_shown_and_read(playground, page):
    playground.open(QUICK)
    page.click("#sample")
    playground.wait_for_prediction()
    expect(page.locator("#sample-label")).to_contain_text("Somebody wrote a")
    assert abs(sum(map(float, playground.probabilities())) - 1) < 1e-5

    page.click("#clear")
    expect(page.locator("#sample-label")).to_be_empty()
    expect(page.locator("#verdict")).to_contain_text("Draw a digit")
