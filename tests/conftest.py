"""What all unit tests share."""

import gc

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _strict_numpy():
    """Floating-point trouble is an error, except underflow to zero, which softmax needs."""
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield


@pytest.fixture
def strange(monkeypatch):
    """Let there be an op, ``strange``, that no backend has a kernel for."""
    from loom_core.graph.ops import OPS
    from tests.support.strange_op import STRANGE

    monkeypatch.setitem(OPS, "strange", STRANGE)


@pytest.fixture(scope="module")
def one_device():
    """Keep one GPU device for a whole module: pipelines are compiled once."""
    from tests.support.webgpu_support import backend

    yield backend()
    gc.collect()


@pytest.fixture
def own_device(monkeypatch):
    """A GPU device that a test may break, in the place of the shared one."""
    from loom_core.backends import webgpu_backend

    monkeypatch.setattr(webgpu_backend, "_shared", None)
