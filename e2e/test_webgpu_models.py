"""Every model that Loom saved, on the GPU in Chromium: outputs, and three steps of an optimizer."""

import json
from pathlib import Path

import pytest
from glue import loaded_page

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures" / "loom"
LOADABLE = json.loads((FIXTURES / "loadable.json").read_text())

TOLERANCE = 5e-4
"""Of the largest number: of whole networks as in tests/tolerances.py, after three steps of AdamW,
which divides by the root of small squares."""

#: A software adapter compiles its kernels slowly.
LONGEST_MS = 120_000

COMPARE = """
    const { text, id, input } = arg.options;
    const x = Float32Array.from(input.flat(Infinity));
    const found = [];
    for (const UseGPU of [true, false]) {
        const net = await loom.LoadModelFromString(text, id);
        if (UseGPU) await net.InitGPU();
        const before = await (UseGPU ? net.ForwardGPU(x) : net.ForwardCPU(x));
        const Target = before.map((_, i) => (1 + Math.sin(i)) / 2);
        const { FinalLoss } = await net.Train(
            [{ Input: x, Target }],
            { Epochs: 3, LearningRate: 0.001, LossType: "mse", Optimizer: "adamw", UseGPU },
        );
        const after = await (UseGPU ? net.ForwardGPU(x) : net.ForwardCPU(x));
        found.push([...before, ...after, FinalLoss]);
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
def test_the_gpu_gives_what_the_cpu_gives(session, name):
    case = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    options = {"text": case["model_json"], "id": case["model_id"], "input": case["inputs"][0]}
    gpu, cpu = session.run(COMPARE, options)
    scale = max(map(abs, cpu))
    assert max(abs(a - b) for a, b in zip(gpu, cpu, strict=True)) <= TOLERANCE * scale
