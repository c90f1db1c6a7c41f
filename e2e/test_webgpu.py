"""Networks on the GPU in Chromium: equal to the CPU, weights on both sides, failures, memory."""

import pytest
from glue import loaded_page
from test_simd import MODELS, TOLERANCE

#: A software adapter compiles its kernels slowly.
LONGEST_MS = 240_000

SETTINGS = """
    const build = ({ layers }) => loom.BuildNetworkFromJSON(JSON.stringify({
        id: "m", batch_size: 1, grid_rows: 1, grid_cols: 1, seed: 3,
        layers_per_cell: layers.length, layers,
    }));
    const wave = (length, step) => Float32Array.from({ length }, (_, i) => Math.sin(i * step));
    const config = { Epochs: 3, LearningRate: 0.02, LossType: "mse" };
    const data = (width, outputs, samples = 8) => ({
        Inputs: wave(samples * width, 0.7), Targets: wave(samples * outputs, 0.3), BatchSize: 4,
    });
"""

MLP = {"width": MODELS["mlp"][0], "layers": MODELS["mlp"][1]}

#: The worker keeps the device that it is given where a test can destroy it.
KEEP_DEVICE = """
    const request = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (...options) {
        return (globalThis.lastDevice = await request.apply(this, options));
    }
"""


def opened(browser, site, *, worker=True):
    return loaded_page(browser, site, worker=worker)


@pytest.fixture(scope="module")
def session(gpu_browser, site):
    with opened(gpu_browser, site) as page:
        page.longest_ms = LONGEST_MS
        yield page
        assert page.run("return (await loom.memory()).liveJobs") == 0


@pytest.fixture
def own_session(gpu_browser, site):
    """A session that a test may break."""
    with opened(gpu_browser, site) as page:
        page.longest_ms = LONGEST_MS
        page.run_in_worker(KEEP_DEVICE)
        yield page


def assert_close(found, expected):
    scale = max(map(abs, expected))
    assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= TOLERANCE * scale


@pytest.mark.parametrize("name", MODELS)
def test_outputs_gradients_and_training_equal_the_cpus(session, name):
    width, layers = MODELS[name]
    result = session.run(
        SETTINGS
        + """
        const { layers, width } = arg.options;
        const found = [];
        for (const gpu of [true, false]) {
            const net = await build({ layers });
            if (gpu) await net.InitGPU();
            const forward = (x) => (gpu ? net.ForwardGPU(x) : net.ForwardCPU(x));
            const x = wave(8 * width, 0.7);
            const before = await forward(x);
            const dy = wave(before.length, 0.9);
            const dx = await (gpu ? net.BackwardGPU(dy) : net.BackwardCPU(dy));
            const batches = data(width, before.length / 8);
            const trained = await net.Train(batches, { ...config, UseGPU: gpu });
            // What was trained on the GPU is the layers' own by now.
            found.push({
                before: [...before], dx: [...dx], after: [...await net.ForwardCPU(x)],
                again: [...await forward(x)], loss: trained.FinalLoss, fell: trained.FallbackReason,
                report: await net.GetBackendReport(),
            });
            await net.ReleaseGPU();
            net.dispose();
        }
        return found;
        """,
        {"layers": layers, "width": width},
    )
    gpu, cpu = result
    for numbers in ("before", "dx", "after", "again"):
        assert_close(gpu[numbers], cpu[numbers])
    assert gpu["loss"] == pytest.approx(cpu["loss"], rel=TOLERANCE)
    assert gpu["fell"] == ""
    assert "swiftshader" in gpu["report"]["Device"]
    assert gpu["report"]["Transfers"] > 0
    assert gpu["report"]["DeviceBytes"] > 0
    assert cpu["report"]["Device"] == ""


def test_the_page_s_own_thread_has_the_gpu_too(gpu_browser, site):
    with opened(gpu_browser, site, worker=False) as page:
        page.longest_ms = LONGEST_MS
        found = page.run(
            SETTINGS
            + """
            const { width } = arg.options;
            const net = build(arg.options);
            const waiting = net.InitGPU();
            const promised = waiting instanceof Promise;
            await waiting;
            const x = wave(4 * width, 0.7);
            const y = await net.ForwardGPU(x);
            const info = net.GetGPUDeviceInfo();
            await net.ReleaseGPU();
            return { promised, y: [...y], expected: [...net.ForwardCPU(x)], info };
            """,
            MLP,
        )
    assert found["promised"]
    assert_close(found["y"], found["expected"])
    assert found["info"]["Software"] is True
    assert found["info"]["MemoryBytes"] > 0


def test_a_convolutional_network_learns_digits_as_it_does_on_the_cpu(session):
    result = session.run("""
        const packed = await fetch(arg.site + "data/digits.bin");
        const unpacked = packed.body.pipeThrough(new DecompressionStream("gzip"));
        const bytes = new Uint8Array(await new Response(unpacked).arrayBuffer());
        const count = new DataView(bytes.buffer).getUint32(4, true);
        const digits = (from, n) => ({
            Inputs: Float32Array.from(
                bytes.subarray(16 + count + from * 784, 16 + count + (from + n) * 784),
                (ink) => ink / 255,
            ),
            Labels: bytes.slice(16 + from, 16 + from + n),
        });
        const window = { kernel_size: 5, stride: 2, padding: 2, activation: "relu" };
        const image = { input_channels: 1, input_height: 28, input_width: 28 };
        const layers = [
            { type: "conv2d", ...window, ...image, filters: 8 },
            { type: "conv2d", ...window, filters: 16 },
            { type: "dense", output_size: 10, activation: "linear" },
            { type: "softmax" },
        ];
        const json = JSON.stringify({
            id: "digits", batch_size: 1, grid_rows: 1, grid_cols: 1, seed: 1,
            layers_per_cell: layers.length, layers,
        });
        const heldOut = digits(count - 500, 500);
        const config = {
            Epochs: 2, LearningRate: 0.1, LossType: "cross_entropy", EvaluateEveryN: 2,
            ValidationInputs: heldOut.Inputs, ValidationLabels: heldOut.Labels,
        };
        const found = [];
        for (const UseGPU of [true, false]) {
            const net = await loom.BuildNetworkFromJSON(json);
            const trained = await net.Train(
                { ...digits(0, 1600), BatchSize: 32 }, { ...config, UseGPU },
            );
            const { FinalLoss, ValidationAccuracy, Steps, EvalMetrics, FallbackReason } = trained;
            EvalMetrics.dispose();
            const { Transfers } = await net.GetBackendReport();
            found.push({ FinalLoss, ValidationAccuracy, Steps, FallbackReason, Transfers });
            await net.ReleaseGPU();
            net.dispose();
        }
        return found;
    """)
    gpu, cpu = result
    assert gpu["Steps"] == cpu["Steps"] == 100
    assert gpu["FinalLoss"] == pytest.approx(cpu["FinalLoss"], rel=0.01)
    assert abs(gpu["ValidationAccuracy"] - cpu["ValidationAccuracy"]) <= 0.005
    assert gpu["ValidationAccuracy"] > 0.8
    assert gpu["FallbackReason"] == ""


def test_only_losses_come_back_while_weights_stay_on_the_device(session):
    result = session.run(
        SETTINGS
        + """
        const { width } = arg.options;
        const net = await build(arg.options);
        const batches = data(width, 7);
        await net.Train(batches, { ...config, UseGPU: true });  // compiles and checks the kernels
        const before = (await net.GetBackendReport()).Transfers;
        const trained = await net.Train(batches, { ...config, Epochs: 200, UseGPU: true });
        const report = await net.GetBackendReport();
        const bytes = report.DeviceBytes;
        await net.Train(batches, { ...config, UseGPU: true });
        const flat = (await net.GetBackendReport()).DeviceBytes === bytes;
        await net.ReleaseGPU();
        await net.InitGPU();
        const released = (await net.GetGPUDeviceInfo()).MemoryBytes;
        await net.ReleaseGPU();
        net.dispose();
        return { steps: trained.Steps, transfers: report.Transfers - before, flat, released };
        """,
        MLP,
    )
    assert result["steps"] == 400
    assert 2 <= result["transfers"] <= 200
    assert result["flat"]
    assert result["released"] == 0


def test_a_cancelled_training_brings_its_weights_back(session):
    result = session.run(
        SETTINGS
        + """
        const { width } = arg.options;
        const net = await build(arg.options);
        await net.InitGPU();
        const x = wave(4 * width, 0.7);
        const before = await net.ForwardCPU(x);
        const controller = new AbortController();
        const started = glue.deferred();
        const training = net.Train(
            data(width, 7), { ...config, Epochs: 100000, UseGPU: true, ProgressInterval: 0 },
            ({ Step }) => Step > 5 && started.resolve(), { signal: controller.signal },
        );
        await started.promise;
        controller.abort();
        const error = await training.catch(({ name }) => name);
        const [cpu, gpu] = [await net.ForwardCPU(x), await net.ForwardGPU(x)];
        const busy = await net.IsTraining();
        await net.ReleaseGPU();
        net.dispose();
        return { error, busy, before: [...before], cpu: [...cpu], gpu: [...gpu] };
        """,
        MLP,
    )
    assert result["error"] == "AbortError"
    assert result["busy"] is False
    assert result["cpu"] != result["before"]
    assert_close(result["gpu"], result["cpu"])


def test_calls_leave_nothing_behind(session):
    live = """
        const net = await build(arg.options);
        await net.InitGPU();
        for (let i = 0; i < 5; i++) await net.ForwardGPU(wave(arg.options.width, i));
        await net.Train(data(arg.options.width, 7), { ...config, UseGPU: true });
        await net.ReleaseGPU();
        net.dispose();
        const { liveProxies, liveHandles } = await loom.memory();
        return { liveProxies, liveHandles };
    """
    first, second = (session.run(SETTINGS + live, MLP) for _ in range(2))
    assert first == second


def test_a_backend_by_name_is_used_or_says_what_it_cannot(session):
    result = session.run(
        SETTINGS
        + """
        const { width } = arg.options;
        const net = await build(arg.options);
        const early = await glue.failure(() => net.SetBackend("webgpu"));
        await net.InitGPU();
        await net.SetBackend("webgpu");
        const trained = await net.Train(data(width, 7), {
            ...config, ValidationInputs: wave(width, 1), ValidationTargets: wave(7, 1),
        });
        const report = await net.GetBackendReport();
        const late = await glue.failure(() => net.ForwardCPU(wave(width, 1)));
        const y = await net.ForwardGPU(wave(width, 1));
        await net.ReleaseGPU();
        const after = await net.GetBackendReport();
        const expected = await net.ForwardCPU(wave(width, 1));
        net.dispose();
        return {
            early, late, report, after, loss: trained.ValidationLoss, y: [...y],
            expected: [...expected],
        };
        """,
        MLP,
    )
    assert result["early"]["code"] == "backend"
    assert "InitGPU" in result["early"]["hint"]
    assert result["late"]["code"] == "backend"
    assert (result["report"]["Used"], result["report"]["Fallbacks"]) == ("webgpu", {})
    assert result["report"]["Variant"] == "software"
    assert result["after"]["Used"] == "simd"
    assert result["loss"] > 0
    assert_close(result["y"], result["expected"])


# Failures


def test_a_browser_without_a_gpu_says_so(browser, site):
    with opened(browser, site) as page:
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
