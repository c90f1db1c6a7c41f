"""The playground looks inside the network: blueprint, layers while they learn, diagnosis."""

from playground import LONG, QUICK
from playwright.sync_api import expect

from loom_core import Dense, Network, Parallel, save_bundle_to_string

NOT_KNOWN = "\u2013"


def layer_cells(page):
    """The table of layers as rows of texts."""
    rows = page.locator("#layer-rows tr")
    return [row.locator("th, td").all_inner_texts() for row in rows.all()]


def test_the_blueprint_is_a_picture_of_the_grid(playground, page):
    playground.open(QUICK)
    boxes = page.locator("#blueprint .layer")
    expect(boxes).to_have_count(3)
    assert "784 → 64" in boxes.first.inner_text()
    assert "50,240 weights" in boxes.first.inner_text()

    page.select_option("#setting-network", "cnn")
    expect(boxes).to_have_count(4)
    assert "1x28x28 → 8x14x14" in boxes.first.inner_text().replace("\u00d7", "x")


def test_the_blueprint_shows_gates_and_marks(playground, page):
    branches = [Dense(12, "tanh", input_size=12), Dense(12, input_size=12, disabled=True)]
    network = Network.of(
        Dense(12, "sigmoid"),
        Parallel(branches, "filter", gate=Dense(2, "linear", input_size=12)),
        Dense(10, "linear", frozen=True),
        input_size=784,
    )
    network.initialize_weights()
    playground.open(QUICK)
    page.fill("#model-text", save_bundle_to_string({"gated": network}))
    page.click("#model-load")
    playground.wait_for_model("done")

    titles = page.locator("#blueprint .layer > strong")
    expect(titles).to_have_text(
        [
            "Dense · Sigmoid",
            "Parallel",
            "Dense · Tanh",
            "Dense · ReLU",
            "Gate: Dense · Linear",
            "Dense · Linear",
        ]
    )
    boxes = page.locator("#blueprint .layer")
    expect(boxes.nth(3).get_by_text("off", exact=True)).to_be_visible()
    expect(boxes.nth(5).get_by_text("frozen", exact=True)).to_be_visible()
    expect(page.locator("#blueprint").get_by_text("frozen")).to_have_count(1)


def test_layers_are_shown_while_they_learn(playground, page):
    playground.open(LONG)
    expect(page.locator("#layer-rows tr")).to_have_count(3)
    assert layer_cells(page)[0][2] == NOT_KNOWN

    page.click("#run")
    gradient = page.locator("#layer-rows tr").first.locator("td").nth(1)
    expect(gradient).not_to_have_text(NOT_KNOWN)
    before = layer_cells(page)[0][1]
    expect(page.locator("#layer-rows tr").first.locator("td").first).not_to_have_text(before)
    page.click("#stop")
    playground.wait_for("ready")

    first, _, last = layer_cells(page)
    assert min(float(first[2]), float(first[4])) > 0
    assert last[1] == "0"  # a softmax has no weights
    assert 0 <= float(last[3]) <= float(last[4]) <= 1


def test_a_training_that_blows_up_is_explained(playground, page):
    playground.open("#v=1&net=mlp&n=1000&epochs=3&lr=1&batch=8")
    page.click("#run")
    findings = page.locator("#findings")
    expect(findings).to_contain_text("dead neurons", timeout=60_000)
    expect(findings).to_contain_text("Use leaky ReLU")
