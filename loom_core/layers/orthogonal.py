"""Orthogonal random matrices that are the same on every platform."""

from __future__ import annotations

import numpy as np

from loom_core.arrays import F32
from loom_core.random_stream import RandomStream

BLOCK = 256
"""Largest dense block: making one costs the cube of its size."""


def orthogonal(stream: RandomStream, size: int) -> F32:
    """Return a random orthogonal matrix (size, size).

    Beyond BLOCK it is made of dense orthogonal blocks whose columns are shuffled over the whole
    width, which is orthogonal too: a step mixes within blocks, the next one across them.
    """
    if size <= BLOCK:
        return _dense_orthogonal(stream, size)
    matrix = np.zeros((size, size), np.float32)
    for start in range(0, size, BLOCK):
        stop = min(start + BLOCK, size)
        matrix[start:stop, start:stop] = _dense_orthogonal(stream, stop - start)
    return matrix[:, stream.permutation(size)]


def _dense_orthogonal(stream: RandomStream, size: int) -> F32:
    """Return Gram-Schmidt, run twice, of uniform random rows.

    Sums run in one fixed order (elementwise products, pairwise halving), in float64, so that no
    linear-algebra library's order of summation shows in the float32 result.
    """
    columns = stream.uniform((size, size), 1.0).astype(np.float64)
    basis = np.zeros((size, size))
    for k in range(size):
        vector = columns[k]
        for _ in range(2):  # the second pass removes what rounding left
            vector = vector - _ordered_sum(basis[:k] * _ordered_dots(basis[:k], vector)[:, None])
        norm = np.sqrt(_ordered_sum((vector * vector)[:, None])[0])
        basis[k] = vector / norm
    return basis.astype(np.float32)


def _ordered_dots(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return _ordered_sum((rows * vector).T)


def _ordered_sum(terms: np.ndarray) -> np.ndarray:
    """Sum over the first axis by halving: the same order whatever NumPy's build."""
    while len(terms) > 1:
        half = len(terms) // 2
        folded = terms[:half] + terms[half : 2 * half]
        terms = np.concatenate([folded, terms[2 * half :]]) if len(terms) % 2 else folded
    return terms[0] if len(terms) else np.zeros(terms.shape[1:])
