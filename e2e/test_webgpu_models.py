"""Every model that Loom saved, on the GPU in Chromium against NumPy: outputs, gradients, steps."""

import json

import pytest
from glue import loaded_page
from gpu_page import LONGEST_MS, assert_close

import loom_core
from tests.support.fixture_files import LOOM_MODELS

LOADABLE = json.loads((LOOM_MODELS / "loadable.json").read_text())

# AdamW divides by the root of a mean square: its epsilon is above the noise of gradients that are 0
# in theory, as an attention's key bias has one.
COMPARE = """
    const { text, id, input, trains } = arg.options;
    const x = Float32Array.from(input.flat(Infinity));
    const Optimizer = { Type: "adamw", Epsilon: 1e-3 };
    const config = { Epochs: 3, LearningRate: 0.01, LossType: "mse", Optimizer };
    const found = [];
    for (const UseGPU of [true, false]) {
        const net = await loom.LoadModelFromString(text, id);
        await (UseGPU ? net.InitGPU() : net.SetBackend("numpy"));
        const forward = () => (UseGPU ? net.ForwardGPU(x) : net.ForwardCPU(x));
        const output = await forward();
        const dy = output.map((_, i) => Math.cos(i));
        const dx = await (UseGPU ? net.BackwardGPU(dy) : net.BackwardCPU(dy));
        const gradients = [...(await net.KernelGradients()), ...(await net.BiasGradients())];
        const Target = output.map((_, i) => (1 + Math.sin(i)) / 2);
        const losses = trains
            ? (await net.Train([{ Input: x, Target }], { ...config, UseGPU })).LossHistory
            : [];
        const after = await forward();
        found.push([output, dx, ...gradients, losses, after].map((numbers) => [...numbers]));
        if (UseGPU) await net.ReleaseGPU();
        net.dispose();
    }
    return found;
"""


@pytest.fixture(scope="module")
def session(gpu_browser, site):
    with loaded_page(gpu_browser, site, worker=True) as page:
        page.longest_ms = LONGEST_MS
        # Somebody holds the device, so that its kernels are compiled once.
        page.run("""
            window.holder = await loom.BuildNetworkFromJSON(glue.network(2, 2));
            await window.holder.InitGPU();
        """)
        yield page


@pytest.mark.parametrize("name", LOADABLE)
def test_the_gpu_gives_what_numpy_gives(session, name):
    case = json.loads((LOOM_MODELS / f"{name}.json").read_text(encoding="utf-8"))
    model = {"text": case["model_json"], "id": case["model_id"]}
    network = loom_core.load_model_from_string(*model.values())
    trains = any([*layer.trained_weights()] for layer in network.layers)
    options = {**model, "input": case["inputs"][0], "trains": trains}
    for gpu, numpy in zip(*session.run(COMPARE, options), strict=True):
        assert_close(gpu, numpy)
