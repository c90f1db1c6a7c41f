"""Runs inside Node's Python: what the kernels do with sizes and addresses beyond 31 bits."""

import ctypes
import json
from pathlib import Path

import numpy as np

import loom_core
from loom_core import Conv2D, Dense, LimitError, Network, Softmax, limits
from loom_core.backends import simd
from loom_core.backends.simd.kernel_table import KERNELS
from loom_core.backends.simd.library import FILES, Library
from loom_core.backends.simd.records import lay_out
from loom_core.backends.simd_backend import SimdBackend

# Padding and stride whose bordered image is negative, or small, where 32 bits count it.
BORDERS = [(46341, 46000), (25000, 50000), (46341, 46343)]
CODES = {name: code for code, name in enumerate(KERNELS)}
HELD = []


def backend(kind):
    return SimdBackend(Library(Path(simd.__file__).with_name(FILES[kind]), kind))


def refusals(kind, trusting):
    """Return the errors for models with huge borders, and then whether a small one still runs."""
    limits.PLAN_BYTES = 2**62 if trusting else 2**31
    found = []
    for padding, stride in BORDERS:
        layer = {"type": "conv2d", "input_height": 1, "input_width": 1, "input_channels": 1}
        layer |= {"filters": 1, "kernel_size": 1, "activation": "linear"}
        text = json.dumps({"layers": [{**layer, "padding": padding, "stride": stride}]})
        try:
            network = loom_core.build_network_from_json(text)
            network.set_backend(backend(kind))
            found.append(network.forward_cpu([1.0]).tolist())
        except LimitError as error:
            found.append(str(error))
    limits.PLAN_BYTES = 2**31
    layer = Conv2D(1, 1, 1, 1, "linear", input_channels=1, input_height=1, input_width=1)
    network = Network.of(layer, backend=backend(kind))
    network.initialize_weights()
    y = network.forward_cpu([2.0]).reshape(3, 3)
    works = y[1, 1] == 2 * layer.weights["kernel"].item() and np.count_nonzero(y) == 1
    return [*found, bool(works)]


def scratch_floats(kind, op, parameters):
    record = lay_out(CODES[op], (), parameters)
    pointer, words = ctypes.c_void_p(record.ctypes.data), ctypes.c_int32(record.size)
    return backend(kind).library.scratch_floats(pointer, words)


class AboveTwoGigabytes:
    """A network trained and run on SIMD and on NumPy, what is large in the heap's upper half.

    Attributes:
        loss: Of the last epoch.
        loss_error: Most by which the losses differ.
        output_error: Most by which the outputs differ.
        sheet: Address of the call sheet of a run.
        input: Of that run's input, outside the program.
        arena: Of the program's input port.
        expected: Of the output that Python got for it.
    """

    def __init__(self, kind):
        while np.empty(2**21, np.uint8).ctypes.data < 2**31:
            HELD.append(np.empty(2**26, np.uint8))  # never touched
        rng = np.random.default_rng(5)
        x = rng.standard_normal((2400, 256), np.float32)
        data = {"inputs": x, "labels": rng.integers(0, 5, 2400)}
        losses, outputs = [], []
        for runs in ("numpy", backend(kind)):
            layer = Conv2D(4, 3, 2, 1, "tanh", input_channels=1, input_height=16, input_width=16)
            rest = (Dense(33, "scaled_relu"), Dense(5, "linear"), Softmax())
            network = Network.of(layer, *rest, seed=2, backend=runs)
            losses.append(network.train(data, {"epochs": 2, "learning_rate": 0.05}).loss_history)
            outputs.append(network.forward_cpu(x[:600]))
        self.loss = losses[0][-1]
        self.loss_error = float(np.abs(np.subtract(*losses)).max())
        self.output_error = float(np.abs(np.subtract(*outputs)).max())
        program = network.forward_program((600 * 256,))
        self.sheet = program.call_sheet("input", "output")
        self.arena = program.view("input").ctypes.data
        self.input, self.expected = x.ctypes.data, outputs[-1].ctypes.data
        HELD.extend([x, network, outputs])
