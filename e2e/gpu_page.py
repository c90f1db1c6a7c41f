"""What the tests of the GPU share: scripts, sizes, and how close numbers have to be."""

from small_models import MODELS, TOLERANCE

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

#: A training on the GPU under way, of the network in the options; it goes on as long as it is let.
UNDER_WAY = (
    SETTINGS
    + """
    const { width } = arg.options;
    const net = await build(arg.options);
    await net.InitGPU();
    const x = wave(4 * width, 0.7);
    const before = [...await net.ForwardCPU(x)];
    const started = glue.deferred();
    const controller = new AbortController();
    const training = net.Train(
        data(width, 7), { ...config, Epochs: 100000, UseGPU: true, ProgressInterval: 0 },
        ({ Step }) => Step > 5 && started.resolve(), { signal: controller.signal },
    );
    await started.promise;
    """
)

MLP = {"width": MODELS["mlp"][0], "layers": MODELS["mlp"][1]}


def assert_close(found, expected):
    scale = max(map(abs, expected), default=0.0)
    pairs = zip(found, expected, strict=True)
    assert max((abs(a - b) for a, b in pairs), default=0.0) <= TOLERANCE * scale
