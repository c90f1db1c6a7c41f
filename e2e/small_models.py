"""Small models that the browser tests run on every backend, and how close numbers have to be."""

from tests.support.tolerances import NETWORK

TOLERANCE = NETWORK

MODELS = {
    "mlp": (
        65,
        [
            {"type": "dense", "input_size": 65, "output_size": 33, "activation": "tanh"},
            {"type": "dense", "output_size": 7, "activation": "linear"},
            {"type": "softmax"},
        ],
    ),
    "convolution": (
        2 * 9 * 11,
        [
            {
                "type": "conv2d",
                "input_height": 9,
                "input_width": 11,
                "input_channels": 2,
                "filters": 7,
                "kernel_size": 3,
                "stride": 1,
                "padding": 1,
                "activation": "relu",
            },
            {"type": "conv2d", "filters": 5, "kernel_size": 3, "stride": 2, "padding": 1},
            {"type": "dense", "output_size": 4, "activation": "sigmoid"},
        ],
    ),
    "lstm": (
        6 * 5,
        [
            {"type": "lstm", "input_size": 5, "hidden_size": 9, "seq_length": 6},
            {"type": "dense", "output_size": 3, "activation": "linear"},
        ],
    ),
    "attention": (
        5 * 12,
        [
            {"type": "rms_norm", "norm_size": 12},
            {"type": "multi_head_attention", "d_model": 12, "num_heads": 3, "seq_length": 5},
            {"type": "layer_norm", "norm_size": 12},
            {"type": "dense", "output_size": 3, "activation": "softplus"},
        ],
    ),
}
"""Numbers of a sample, and layers as data."""
