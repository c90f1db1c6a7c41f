"""How large a network's weights are in each dtype of a model string."""

from __future__ import annotations

from dataclasses import dataclass

from loom_core.public import result_record


@result_record
@dataclass(frozen=True)
class ModelSizeInfo:
    """Sizes in one dtype.

    Args:
        dtype: Its name.
        total_weights: Numbers, running statistics included.
        bytes_per_weight: Bytes of one; a running statistic has at least 4.
        total_bytes: Bytes of all.
        base64_bytes: Characters of all in base64, padding included.
    """

    dtype: str
    total_weights: int
    bytes_per_weight: int
    total_bytes: int
    base64_bytes: int


BYTES_PER_WEIGHT = {
    "float64": 8, "float32": 4, "int32": 4, "float16": 2, "int16": 2, "int8": 1,
}  # fmt: skip


def model_size_info(parameters: int, statistics: int) -> dict[str, ModelSizeInfo]:
    """Return the sizes of so many parameters and running statistics in every dtype."""
    count = parameters + statistics
    found = {}
    for dtype, size in BYTES_PER_WEIGHT.items():
        stored = parameters * size + statistics * max(size, BYTES_PER_WEIGHT["float32"])
        found[dtype] = ModelSizeInfo(dtype, count, size, stored, -(-stored // 3) * 4)
    return found
