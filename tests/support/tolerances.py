"""How far a kernel may lie from the NumPy definition in float32: one table, with reasons.

An error is measured against the largest magnitude in the same array, in units of the float32
spacing at 1 (2^-23): sums of many terms round in another order, and are small where terms cancel.
"""

import numpy as np

SPACING = 2.0**-23

ROUNDED_ONCE = 1
"""The same single operation for each element, or no arithmetic at all."""

FEW_OPERATIONS = 8
"""A handful of roundings, in another order or fused."""

FUNCTIONS = 16
"""exp, tanh, log: a few units from each side, and NumPy's own differ between its versions."""

SUMS = 64
"""Sums in another order: grows with the square root of the length."""

CONDITIONED = 512
"""A threshold, a difference of large numbers or a recurrence multiplies earlier roundings."""

TOLERANCES = {
    "matmul": SUMS,
    "add_bias": FUNCTIONS,
    "mul_channels": ROUNDED_ONCE,
    "sum_to_axis": SUMS,
    "conv2d": SUMS,
    "conv2d_dx": SUMS,
    "conv2d_dw": SUMS,
    "max_pool2d": 0,
    "max_pool2d_dx": SUMS,
    "avg_pool2d": SUMS,
    "avg_pool2d_dx": SUMS,
    "add": ROUNDED_ONCE,
    "mul": ROUNDED_ONCE,
    "scale": ROUNDED_ONCE,
    "div": FEW_OPERATIONS,
    "sqrt": FEW_OPERATIONS,
    "sign": 0,
    "activate": FUNCTIONS,
    "activate_dx": FUNCTIONS,
    "softmax": FUNCTIONS,
    "softmax_dx": SUMS,
    "entmax": CONDITIONED,
    "entmax_dx": CONDITIONED,
    "loom_entmax": CONDITIONED,
    "loom_entmax_dx": CONDITIONED,
    "layer_norm": CONDITIONED,
    "layer_norm_dx": CONDITIONED,
    "rms_norm": SUMS,
    "rms_norm_dx": CONDITIONED,
    "batch_norm": CONDITIONED,
    "batch_norm_dx": CONDITIONED,
    "rnn_scan": CONDITIONED,
    "rnn_scan_du": CONDITIONED,
    "lstm_scan": CONDITIONED,
    "lstm_scan_du": CONDITIONED,
    "gru_scan": CONDITIONED,
    "gru_scan_du": CONDITIONED,
    "shift_time": 0,
    "rope": FEW_OPERATIONS,
    "gather_rows": 0,
    "scatter_add_rows": FEW_OPERATIONS,
    "transpose": 0,
    "concat": 0,
    "slice_axis": 0,
    "pad_axis": 0,
    "permute_columns": 0,
    "mse": SUMS,
    "cross_entropy": SUMS,
    "softmax_cross_entropy": SUMS,
    "squared_norms": SUMS,
    "step_scale": FEW_OPERATIONS,
    "running_mean": FEW_OPERATIONS,
    "descend": FEW_OPERATIONS,
    "sgd": FEW_OPERATIONS,
    "momentum": FEW_OPERATIONS,
    "adamw": FEW_OPERATIONS,
    "rmsprop": FEW_OPERATIONS,
    "rmsprop_momentum": FEW_OPERATIONS,
}

CURVE = 1e-5
"""Each of 200 losses of a training in float32, relative to the same training in float64."""

NETWORK = 2e-4
"""Outputs and weights of a whole network after some steps: errors above pass through layers that
are all of order 1, so that they add up and are not amplified."""


def assert_op_close(name, found, expected):
    """Compare an op's outputs by the table."""
    assert name in TOLERANCES, f"{name} has a kernel: say in TOLERANCES how far it may be off"
    for a, b in zip(found, expected, strict=True):
        assert_close(a, b, TOLERANCES[name] * SPACING, name)


def assert_close(found, expected, tolerance, name):
    """Compare two arrays, relative to the largest magnitude (at least the smallest normal)."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite], err_msg=name)
    found, expected = found[finite], expected[finite]
    scale = max(float(np.max(np.abs(expected), initial=0.0)), 2.0**-126)
    error = float(np.max(np.abs(found - expected), initial=0.0)) / scale
    assert error <= tolerance, f"{name}: error {error / SPACING:.1f} spacings of the largest value"
