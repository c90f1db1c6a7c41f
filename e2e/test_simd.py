"""The SIMD kernels in Chromium and in Node: they load, run every network, and equal NumPy."""

import json
import subprocess
from pathlib import Path

import pytest
from glue import loaded_page
from small_models import MODELS, TOLERANCE

ROOT = Path(__file__).parents[1]

ON_BOTH_BACKENDS = """
    const { layers, width } = arg.options;
    const config = { id: "m", batch_size: 1, grid_rows: 1, grid_cols: 1, seed: 3 };
    const json = JSON.stringify({ ...config, layers_per_cell: layers.length, layers });
    const wave = (length, step) => Float32Array.from({ length }, (_, i) => Math.sin(i * step));
    const found = [];
    for (const backend of ["simd", "numpy"]) {
        const net = await loom.BuildNetworkFromJSON(json);
        const asBuilt = await net.GetBackendReport();
        await net.SetBackend(backend);
        const x = wave(8 * width, 0.7);
        const before = await net.ForwardCPU(x);
        const data = { Inputs: x, Targets: wave(before.length, 0.3), BatchSize: 4 };
        const trained = await net.Train(data, { Epochs: 3, LearningRate: 0.02, LossType: "mse" });
        const after = await net.ForwardCPU(x);
        found.push({
            asBuilt, report: await net.GetBackendReport(), loss: trained.FinalLoss,
            numbers: [...before, ...after],
        });
        net.dispose();
    }
    return found;
"""


@pytest.fixture(scope="module")
def session(browser, site):
    with loaded_page(browser, site, worker=True) as page:
        yield page


@pytest.mark.parametrize("name", MODELS)
def test_simd_gives_numpys_outputs_and_training(session, name):
    width, layers = MODELS[name]
    simd, numpy = session.run(ON_BOTH_BACKENDS, {"layers": layers, "width": width})
    assert simd["report"]["Used"] == "simd"
    assert simd["report"]["Fallbacks"] == {}
    assert numpy["report"]["Used"] == "numpy"
    scale = max(map(abs, numpy["numbers"]))
    pairs = zip(simd["numbers"], numpy["numbers"], strict=True)
    assert max(abs(a - b) for a, b in pairs) <= TOLERANCE * scale
    assert simd["loss"] == pytest.approx(numpy["loss"], rel=TOLERANCE)


def test_a_network_in_the_browser_runs_on_the_kernels_unasked(session):
    width, layers = MODELS["mlp"]
    report = session.run(ON_BOTH_BACKENDS, {"layers": layers, "width": width})[0]["asBuilt"]
    assert (report["Asked"], report["Used"]) == ("auto", "simd")
    relaxed = session.run("""
        const head = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0];
        const operands = [0, 0, 0].flatMap((zero) => [65, zero, 253, 15]);
        const code = [...head, 10, 21, 1, 19, 0, ...operands, 253, 133, 2, 253, 98, 11];
        return WebAssembly.validate(new Uint8Array(code));
    """)
    assert relaxed, "every Chromium of the last years has relaxed SIMD"
    assert report["Variant"] == "relaxed-simd"


NODE_SCRIPT = """
import { loadPyodide } from "pyodide";
const folder = process.argv[2];
const options = { lockFileURL: folder + "pyodide-lock.json", packageBaseUrl: folder };
const python = await loadPyodide(options);
await python.loadPackage("loom_core", { messageCallback: () => {} });
console.log(python.runPython(`
import json
import numpy as np
import loom_core

network = loom_core.Network.of(loom_core.Dense(7, "tanh"), input_size=9, backend="simd")
x = np.linspace(-1, 1, 27, dtype=np.float32)
found = network.forward_cpu(x)
variant = network.backend_report().variant
network.set_backend("numpy")
json.dumps([variant, float(np.abs(found - network.forward_cpu(x)).max())])
`));
"""


def test_the_kernels_load_in_node(tmp_path):
    script = ROOT / "node_modules" / ".loom-simd-test.mjs"  # beside the package that it imports
    script.write_text(NODE_SCRIPT)
    try:
        result = subprocess.run(
            ["node", script, f"{ROOT / 'dist' / 'pyodide'}/"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        script.unlink()
    assert result.returncode == 0, result.stderr
    variant, error = json.loads(result.stdout)
    assert variant in ("simd128", "relaxed-simd")  # Node 20 has no relaxed SIMD, later ones do
    assert error < 1e-6
