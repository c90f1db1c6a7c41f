"""What all unit tests share."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _strict_numpy():
    """Floating-point trouble is an error, except underflow to zero, which softmax needs."""
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield
