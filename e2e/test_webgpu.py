"""Networks on the GPU in Chromium: equal to NumPy, weights on both sides, transfers, memory."""

import pytest
from glue import loaded_page
from gpu_page import LONGEST_MS, MLP, SETTINGS, UNDER_WAY, assert_close
from small_models import MODELS, TOLERANCE

LONG = {"type": "multi_head_attention", "d_model": 4, "num_heads": 2, "seq_length": 1030}
NETWORKS = {
    **{name: (*model, 8) for name, model in MODELS.items()},
    "attention in blocks of queries": (1030 * 4, [{**LONG, "causal": True}], 1),
}
"""Numbers of a sample, layers, samples."""


@pytest.fixture(scope="module")
def session(gpu_browser, site):
    with loaded_page(gpu_browser, site, worker=True) as page:
        page.longest_ms = LONGEST_MS
        yield page
        assert page.run("return (await loom.memory()).liveJobs") == 0


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_gradients_and_training_equal_numpys(session, name):
    width, layers, samples = NETWORKS[name]
    result = session.run(
        SETTINGS
        + """
        const { layers, width, samples } = arg.options;
        const found = [];
        for (const gpu of [true, false]) {
            const net = await build({ layers });
            await (gpu ? net.InitGPU() : net.SetBackend("numpy"));
            const forward = (x) => (gpu ? net.ForwardGPU(x) : net.ForwardCPU(x));
            const x = wave(samples * width, 0.7);
            const before = await forward(x);
            const dy = wave(before.length, 0.9);
            const dx = await (gpu ? net.BackwardGPU(dy) : net.BackwardCPU(dy));
            const batches = data(width, before.length / samples, samples);
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
        {"layers": layers, "width": width, "samples": samples},
    )
    gpu, numpy = result
    for numbers in ("before", "dx", "after", "again"):
        assert_close(gpu[numbers], numpy[numbers])
    assert gpu["loss"] == pytest.approx(numpy["loss"], rel=TOLERANCE)
    assert gpu["fell"] == ""
    assert "swiftshader" in gpu["report"]["Device"]
    assert gpu["report"]["Transfers"] > 0
    assert gpu["report"]["DeviceBytes"] > 0
    assert (numpy["report"]["Used"], numpy["report"]["Device"]) == ("numpy", "")


def test_the_page_s_own_thread_has_the_gpu_too(gpu_browser, site):
    with loaded_page(gpu_browser, site, worker=False) as page:
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
        const heldOut = digits(count - 2000, 2000);
        const config = {
            Epochs: 8, LearningRate: 0.1, LossType: "cross_entropy", EvaluateEveryN: 8,
            ValidationInputs: heldOut.Inputs, ValidationLabels: heldOut.Labels,
            ProgressInterval: 0,  // told of each step: what several take at once depends on time
        };
        const found = [];
        for (const UseGPU of [true, false]) {
            const net = await loom.BuildNetworkFromJSON(json);
            const reports = [];
            const trained = await net.Train(
                { ...digits(0, 8000), BatchSize: 32 }, { ...config, UseGPU },
                ({ Step }) => Step % 100 === 99 && reports.push(net.GetBackendReport()),
            );
            const { FinalLoss, ValidationAccuracy, Steps, EvalMetrics, FallbackReason } = trained;
            EvalMetrics.dispose();
            const bytes = (await Promise.all(reports)).map(({ DeviceBytes }) => DeviceBytes);
            await net.ReleaseGPU();
            await net.InitGPU();
            const { MemoryBytes: released } = await net.GetGPUDeviceInfo();
            await net.ReleaseGPU();
            net.dispose();
            found.push({
                FinalLoss, ValidationAccuracy, Steps, FallbackReason, bytes, released,
            });
        }
        return found;
    """)
    gpu, cpu = result
    assert gpu["Steps"] == cpu["Steps"] == 2000
    assert gpu["FinalLoss"] == pytest.approx(cpu["FinalLoss"], rel=0.1)
    assert abs(gpu["ValidationAccuracy"] - cpu["ValidationAccuracy"]) <= 0.005
    assert gpu["ValidationAccuracy"] > 0.95
    assert gpu["FallbackReason"] == ""
    assert len(gpu["bytes"]) == 20
    assert len(set(gpu["bytes"])) == 1  # flat from step 99 to step 1999
    assert gpu["bytes"][0] > 0
    assert gpu["released"] == 0


@pytest.mark.parametrize("name", ["mlp", "convolution", "attention"])
def test_only_losses_come_back_while_weights_stay_on_the_device(session, name):
    width, layers = MODELS[name]
    result = session.run(
        SETTINGS
        + """
        const { width, layers } = arg.options;
        const net = await build({ layers });
        const outputs = (await net.ForwardCPU(wave(width, 1))).length;
        const weights = [];
        for (let i = 0; i < layers.length; i++) {
            const layer = await net.GetLayer(0, 0, i);
            weights.push(...Object.values(await layer.GetWeights()));
            layer.dispose();
        }
        const batches = data(width, outputs);
        await net.Train(batches, { ...config, UseGPU: true });  // compiles and checks the kernels
        const before = await net.GetBackendReport();
        const trained = await net.Train(batches, { ...config, Epochs: 100, UseGPU: true });
        const after = await net.GetBackendReport();
        await net.Train(batches, { ...config, UseGPU: true });
        const flat = (await net.GetBackendReport()).DeviceBytes === after.DeviceBytes;
        await net.ReleaseGPU();
        await net.InitGPU();
        const released = (await net.GetGPUDeviceInfo()).MemoryBytes;
        await net.ReleaseGPU();
        net.dispose();
        return {
            steps: trained.Steps, flat, released, arrays: weights.length,
            weights: weights.reduce((sum, { length }) => sum + length, 0),
            reads: after.Transfers - before.Transfers,
            bytes: after.TransferredBytes - before.TransferredBytes,
        };
        """,
        {"layers": layers, "width": width},
    )
    steps, number = result["steps"], 4
    assert steps == 200
    # Of each step its loss, the norm of its gradient, that of each array, and whether it halted;
    # at the end the weights, and whether all has halted.
    of_a_step = 3 + result["arrays"]
    assert result["bytes"] == number * (steps * of_a_step + result["weights"] + 1)
    assert 2 <= result["reads"] <= steps // 2
    assert result["flat"]
    assert result["released"] == 0


def test_a_cancelled_training_brings_its_weights_back(session):
    result = session.run(
        UNDER_WAY
        + """
        controller.abort();
        const error = await training.catch(({ name }) => name);
        const [cpu, gpu] = [await net.ForwardCPU(x), await net.ForwardGPU(x)];
        const busy = await net.IsTraining();
        await net.ReleaseGPU();
        net.dispose();
        return { error, busy, before, cpu: [...cpu], gpu: [...gpu] };
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
    assert result["report"]["Used"] == "webgpu"
    assert result["report"]["Variant"] == "software"
    assert result["after"]["Used"] == "simd"
    assert result["loss"] > 0
    assert_close(result["y"], result["expected"])
