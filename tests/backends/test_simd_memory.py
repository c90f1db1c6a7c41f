"""Training on the kernels leaves a process as large as it was."""

import os
import subprocess
import sys

from loom_core.backends.simd.library import PATH_VARIABLE
from tests.support.simd_support import kernels

TRAIN = """
import gc, os, pathlib
import numpy as np
from loom_core import Dense, Network, Softmax

layers = [Dense(16, "tanh"), Dense(4, "linear"), Softmax()]
network = Network.of(*layers, input_size=8, seed=1, backend="simd")
data = {"Inputs": np.ones((400, 8)), "Targets": np.full((400, 4), 0.25), "BatchSize": 4}

def resident_after(steps):
    seen = []
    # An event after each step: each is a call of the kernels of its own.
    config = {"Epochs": steps // 100, "LossType": "cross_entropy", "ProgressInterval": 0.0}
    network.train(data, config, lambda event: seen.append(event.event))
    assert seen.count("batch_end") == steps
    assert not network.backend_report().fallbacks
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

resident_after(10_000)
before = resident_after(10_000)
print(resident_after(10_000) - before)
"""


def test_ten_thousand_steps_of_train_do_not_grow_memory():
    """In a process of its own: memory that other tests have left free would hide a leak."""
    environment = {
        **os.environ,
        PATH_VARIABLE: str(kernels()),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    found = subprocess.run(
        [sys.executable, "-c", TRAIN], env=environment, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert int(found.stdout) < 64 * 1024  # 6 bytes a step
