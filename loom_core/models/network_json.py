"""A network's settings in model JSON: building from them, and writing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loom_core import limits
from loom_core.checks import positive
from loom_core.errors import LoomError
from loom_core.fields import Fields, Reading
from loom_core.layers.reading import read_layer
from loom_core.model_io.json_text import parse_json_object
from loom_core.model_io.text_file import read_text_file
from loom_core.models.loom_quirks import apply_loom_quirks
from loom_core.network.network import Network
from loom_core.public import public, result_record

NUMERIC_DTYPES = (
    "float32", "float64", "float16",
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
)  # fmt: skip


@public("BuildNetworkFromJSON")
def build_network_from_json(config: str) -> Network:
    """Build a network with fresh weights from a JSON description.

    Keys: ``grid_rows``, ``grid_cols``, ``layers_per_cell`` (all three may be left out: one cell),
    ``layers`` in row-major order of cells, and optionally ``id``, ``batch_size``, ``seed``,
    ``input_size``. Sizes that a layer leaves out are inferred from the layer before.

    Args:
        config: The description, a JSON object.

    Raises:
        ModelFormatError: Not a JSON object.
        SpecError: A field has a value that is not allowed; the message names cell and layer.
        ShapeError: Layers do not fit together.
        LimitError: More layers or parameters than the limits allow.
    """
    network = network_from_settings(parse_json_object(config, "the network description"))
    network.initialize_weights()
    return network


@public("BuildNetworkFromFile")
def build_network_from_file(filename: str) -> Network:
    """Build a network from a description in a file; raises like from JSON, and OSError.

    Args:
        filename: Path of a file with the description, a JSON object in UTF-8.
    """
    return build_network_from_json(read_text_file(filename))


@result_record
@dataclass(frozen=True)
class BuiltNetwork:
    """A network with the dtype that its description names.

    Args:
        network: With fresh float32 weights.
        dtype: The description's ``dtype``, ``"float32"`` where it has none.
    """

    network: Network
    dtype: str


@public("BuildNetworkFromJSONWithDType")
def build_network_from_json_with_dtype(config: str) -> BuiltNetwork:
    """Build a network from JSON and return the dtype that the description names.

    Args:
        config: The description, a JSON object.

    Raises:
        SpecError: The dtype is not a numeric one; else like build_network_from_json.
    """
    fields = Fields(parse_json_object(config, "the network description"), where="network")
    dtype = fields.choice("dtype", NUMERIC_DTYPES, "float32")
    return BuiltNetwork(build_network_from_json(config), dtype)


@public("NewNetwork")
def new_network(
    input_size: int, grid_rows: int, grid_cols: int, layers_per_cell: int, seed: int = 0
) -> Network:
    """Return a grid of bare activations, to be filled by SetLayer.

    Args:
        input_size: Numbers in one sample, at least 1.
        grid_rows: Rows of cells, at least 1.
        grid_cols: Columns of cells, at least 1.
        layers_per_cell: Layers in each cell, at least 1.
        seed: Of every random choice: weights, and shuffling unless the training names its own.

    Raises:
        SpecError: A size below 1.
        LimitError: More layers than the limits allow.
    """
    size = positive(input_size, "input_size")
    return Network(size, grid_rows, grid_cols, layers_per_cell, seed=seed)


def network_from_settings(
    settings: dict[str, Any],
    *,
    reading: Reading = "documented",
    where: str = "",
    sizes_lost: bool = False,
) -> Network:
    """Build a network without weights from parsed settings (a config, or ``cfg`` of a bundle).

    Args:
        settings: The JSON object.
        reading: Which meaning the settings have.
        where: Said first in every error.
        sizes_lost: See :class:`~loom_core.fields.Fields`.
    """
    fields = Fields(settings, where=where or "network", reading=reading)
    described = fields.objects("layers")
    if not described:
        raise fields.error("layers is missing or empty")
    limits.require_within(len(described), limits.LAYERS, "the number of layers", where=where)
    rows, cols, per_cell = (
        fields.size(key) for key in ("grid_rows", "grid_cols", "layers_per_cell")
    )
    if rows is None and cols is None and per_cell is None:
        rows, cols, per_cell = 1, 1, len(described)
    rows, cols, per_cell = rows or 1, cols or 1, per_cell or 1
    if rows * cols * per_cell != len(described):
        raise fields.error(
            f"layer count mismatch: expected {rows} x {cols} x {per_cell} = "
            f"{rows * cols * per_cell}, got {len(described)}"
        )
    seed = fields.get("seed")
    try:
        network = Network(
            fields.size("input_size"), rows, cols, per_cell, seed=0 if seed is None else seed,
            batch_size=fields.size("batch_size") or 1, model_id=fields.text("id") or "",
        )  # fmt: skip
    except LoomError as error:
        raise (error if error.where else error.at(fields.where)) from error
    for index, values in enumerate(described):
        place = ": ".join(part for part in (where, network.place_name(index)) if part)
        network.layers[index] = read_layer(
            Fields(
                values,
                where=place,
                reading=reading,
                batch_size=network.batch_size,
                sizes_lost=sizes_lost,
                read_layer=read_layer,
            )
        )
    try:
        if reading == "loom":
            apply_loom_quirks(network)
        network.complete_sizes()
    except LoomError as error:
        raise error.at(where) from error
    return network
