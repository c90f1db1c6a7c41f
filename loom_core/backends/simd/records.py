"""A node as the kernel library reads it: a record of 32-bit words, laid out as record.h says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import Array, Shape
from loom_core.errors import LimitError
from loom_core.graph.op import Attributes

LAYOUT = 4
"""Of record.h; a change of what its words mean takes another number."""


@dataclass(frozen=True, slots=True)
class Call:
    """The parameters of one kernel call, and constant arrays that it reads."""

    parameters: Sequence[int | float]
    constants: Sequence[Array] = ()


Shapes: TypeAlias = Sequence[Shape]
Encoder: TypeAlias = Callable[[Shapes, Shapes, Attributes], Call | None]
"""Input shapes, output shapes and attributes to a call; None where the kernel cannot do it."""


def lay_out(
    code: int, addresses: Sequence[int], parameters: Sequence[int | float]
) -> NDArray[np.int32]:
    """Return a record as record.h says.

    Raises:
        LimitError: A size is more than a word holds, which takes a raised limit to get here.
    """
    bits = [int(np.float32(p).view(np.int32)) if isinstance(p, float) else p for p in parameters]
    length = 4 + 2 * len(addresses) + len(bits)
    head = np.array([code, length, len(addresses), 0], np.int32)
    try:
        return np.concatenate([head, _words(addresses), np.array(bits, np.int32)])
    except OverflowError as error:
        raise LimitError(
            f"the kernels count to 2^31 - 1, and one of {parameters} is more",
            hint='Use smaller batches, or the backend "numpy".',
        ) from error


def set_addresses(record: NDArray[np.int32], addresses: Sequence[int]) -> None:
    """Write addresses into a record that was laid out for as many."""
    words = _words(addresses)
    record[4 : 4 + words.size] = words


def _words(addresses: Sequence[int]) -> NDArray[np.int32]:
    halves = [half for address in addresses for half in (address & 0xFFFFFFFF, address >> 32)]
    return np.array(halves, np.uint32).view(np.int32)
