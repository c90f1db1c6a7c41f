"""What the tests of the GPU share: scripts, sizes, and how close numbers have to be."""

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


def assert_close(found, expected):
    scale = max(map(abs, expected), default=0.0)
    pairs = zip(found, expected, strict=True)
    assert max((abs(a - b) for a, b in pairs), default=0.0) <= TOLERANCE * scale
