"""What can go wrong on the GPU in Chromium: typed errors, or a training that goes on elsewhere."""

import pytest
from glue import loaded_page
from gpu_page import LONGEST_MS, MLP, SETTINGS, assert_close

#: The worker keeps the device that it is given where a test can destroy it.
KEEP_DEVICE = """
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...options) {
        return (globalThis.lastDevice = await request.apply(this, options));
    }
"""


@pytest.fixture
def own_session(gpu_browser, site):
    """A session that a test may break."""
    with loaded_page(gpu_browser, site, worker=True) as page:
        page.longest_ms = LONGEST_MS
        page.run_in_worker(KEEP_DEVICE)
        yield page


def test_a_browser_without_a_gpu_says_so(browser, site):
    with loaded_page(browser, site, worker=True) as page:
        error = page.run(
            SETTINGS
            + """
            const net = await build(arg.options);
            return [
                await glue.failure(() => net.InitGPU()),
                await glue.failure(() => net.ForwardGPU(wave(arg.options.width, 1))),
                await glue.failure(() => net.Train(
                    data(arg.options.width, 7), { ...config, UseGPU: true },
                )),
                (await net.ForwardCPU(wave(arg.options.width, 1))).length,
            ];
            """,
            MLP,
        )
    assert [failure["code"] for failure in error[:3]] == ["backend"] * 3
    assert "CPU backend" in error[0]["hint"]
    assert "InitGPU" in error[1]["hint"]
    assert error[3] == 7


def test_a_device_destroyed_in_mid_training_costs_no_step(own_session):
    own_session.run(
        SETTINGS
        + """
        window.net = await build(arg.options);
        await net.InitGPU();
        const started = glue.deferred();
        window.training = net.Train(
            data(arg.options.width, 7),
            { ...config, Epochs: 300, UseGPU: true, ProgressInterval: 0 },
            ({ Step }) => Step > 5 && started.resolve(),
        );
        await started.promise;
        """,
        MLP,
    )
    own_session.run_in_worker("globalThis.lastDevice.destroy()")
    result = own_session.run(
        SETTINGS
        + """
        const { width } = arg.options;
        const trained = await window.training;
        const twin = await build(arg.options);
        const expected = await twin.Train(data(width, 7), { ...config, Epochs: 300 });
        const x = wave(width, 1);
        const lost = await glue.failure(() => net.ForwardGPU(x));
        await net.InitGPU();  // a new device
        return {
            reason: trained.FallbackReason, steps: trained.Steps, lost,
            losses: trained.LossHistory, expected: expected.LossHistory,
            outputs: [[...await net.ForwardGPU(x)], [...await net.ForwardCPU(x)],
                [...await twin.ForwardCPU(x)]],
        };
        """,
        MLP,
    )
    assert "the GPU device was lost" in result["reason"]
    assert result["steps"] == 600
    assert result["lost"]["code"] == "backend"
    assert "lost" in result["lost"]["message"]
    assert_close(result["losses"], result["expected"])
    gpu, cpu, twin = result["outputs"]
    assert_close(gpu, cpu)
    assert_close(cpu, twin)


def test_a_read_that_fails_is_an_error_and_the_next_one_works(own_session):
    own_session.run_in_worker("""
        const map = GPUBuffer.prototype.mapAsync;
        let failures = 0;
        GPUBuffer.prototype.mapAsync = function (...range) {
            if (failures++ === 1) return Promise.reject(new Error("no mapping today"));
            return map.apply(this, range);
        }
    """)
    result = own_session.run(
        SETTINGS
        + """
        const net = await build(arg.options);
        await net.InitGPU();
        const x = wave(arg.options.width, 1);
        const outcomes = [];
        for (let i = 0; i < 3; i++) {
            outcomes.push(await net.ForwardGPU(x).then((y) => [...y], ({ message }) => message));
        }
        return { outcomes, expected: [...await net.ForwardCPU(x)] };
        """,
        MLP,
    )
    failed = [outcome for outcome in result["outcomes"] if isinstance(outcome, str)]
    assert len(failed) == 1
    assert "no mapping today" in failed[0]
    for outcome in result["outcomes"]:
        if not isinstance(outcome, str):
            assert_close(outcome, result["expected"])


def test_a_shader_error_is_named_and_no_number_comes_out(own_session):
    own_session.run_in_worker("""
        const create = GPUDevice.prototype.createShaderModule;
        GPUDevice.prototype.createShaderModule = function (module) {
            const spoilt = module.label === "softmax.wgsl" ? module.code + " oops" : module.code;
            return create.call(this, { ...module, code: spoilt });
        }
    """)
    error = own_session.run(
        SETTINGS
        + """
        const net = await build(arg.options);
        await net.InitGPU();
        return glue.failure(() => net.ForwardGPU(wave(arg.options.width, 1)));
        """,
        MLP,
    )
    assert error["code"] == "backend"
    assert "softmax.wgsl" in error["message"]
