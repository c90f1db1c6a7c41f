"""What the browser's GPU device makes of errors, with a device that a test makes up."""

import pytest
from glue import GluePage

#: A device whose reads fail; `arg.options.lost` is what its loss is then told as, a task later.
FAILING = """
    let lose;
    const asked = [];
    const device = {
        limits: {},
        lost: new Promise((resolve) => { lose = resolve; }),
        queue: { submit() {} },
        pushErrorScope() {},
        popErrorScope: async () => arg.options.scope && { message: arg.options.scope },
        createCommandEncoder: () => ({ finish() {} }),
        createBuffer: () => ({
            destroy() {},
            mapAsync() {
                if (arg.options.lost) setTimeout(() => lose({ message: arg.options.lost }));
                return Promise.reject(new Error("The mapping was aborted"));
            },
        }),
    };
    const adapter = {
        limits: {},
        info: { vendor: "a", architecture: "b", device: "c", description: "d" },
        features: new Set(["shader-f16", "subgroups"]),
        requestDevice: async (asking) => {
            asked.push(asking);
            return device;
        },
    };
    const gpu = { requestAdapter: async () => adapter };
    Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
    const { Gpu } = await import(arg.site + "loom/gpu/device.js");
    const opening = new Gpu(() => new Uint8Array(64)).open();
    await opening.promise;
    const ours = opening.value;
    const reading = ours.read(0, 0);
    await reading.promise;
    return { error: reading.error, lost: ours.lost, asked, description: ours.description };
"""


@pytest.fixture
def page(browser, site):
    context = browser.new_context()
    yield GluePage(context.new_page(), site.url)
    context.close()


def test_a_loss_that_is_told_after_the_failed_read_is_reported_as_a_loss(page):
    found = page.run(FAILING, {"lost": "the driver was reset"})
    assert found["error"] == "The GPU device was lost: the driver was reset"
    assert found["lost"] == "the driver was reset"


@pytest.mark.parametrize("scope", ["", "out of memory"])
def test_a_read_that_fails_on_a_living_device_is_an_error_of_its_own(page, scope):
    found = page.run(FAILING, {"scope": scope})
    reason = scope or "The mapping was aborted"
    assert found["error"] == f"The GPU reported an error: {reason}"
    assert found["lost"] == ""


def test_nothing_optional_is_asked_of_a_device(page):
    found = page.run(FAILING, {})
    assert [sorted(asking) for asking in found["asked"]] == [["requiredLimits"]]
    assert "features" not in found["description"]
