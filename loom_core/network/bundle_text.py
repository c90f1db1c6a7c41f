"""Networks as text: one model object each, in a bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from loom_core.errors import SpecError
from loom_core.layers import LOOM_LAYER_TYPES, Layer
from loom_core.layers.base import child_name
from loom_core.model_io.weights import SaveAs, encode_weights
from loom_core.running import NetworkGrid, require_network

BUNDLE_TYPE = "modelhost/bundle"
PRODUCER = "loom_core"


def serialize_model(network: NetworkGrid, model_id: str, save_as: SaveAs) -> dict[str, Any]:
    """Return one model object: id, cfg, weights and our producer mark."""
    entry = _entry(require_model_id(model_id), network, save_as, "float32")
    return {**entry, "producer": PRODUCER}


def save_bundle_to_string(
    networks: Mapping[str, NetworkGrid], save_as: SaveAs = "compact", dtype: str = "float32"
) -> str:
    """Return the bundle that holds these networks under their ids.

    Args:
        networks: By id.
        save_as: ``"compact"``, our own encoding of the weights, small and fast to load, or
            ``"loom"``, what Loom v0.0.7 reads.
        dtype: Of the stored weights: float32, float64, int8, int16, int32, and float16 (compact
            only). Anything but float32 and float64 rounds them.

    Raises:
        SpecError: An id is empty or too long, the dtype is not one of the format's, or Loom has no
            such layer or activation.
        NonFiniteError: A weight is NaN or infinite.
    """
    for name, network in networks.items():
        require_network(network, name)
    models = [
        _entry(require_model_id(name), network, save_as, dtype)
        for name, network in networks.items()
    ]
    version = 2 if save_as == "loom" and dtype != "float32" else 1
    bundle = {"type": BUNDLE_TYPE, "version": version, "producer": PRODUCER, "models": models}
    return json.dumps(bundle, indent=2, ensure_ascii=False)


def settings_of(network: NetworkGrid, model_id: str) -> dict[str, Any]:
    """Return a network's settings as written to ``cfg``; keys that are Loom's, and ours after."""
    written: dict[str, Any] = {
        "id": model_id,
        "batch_size": network.batch_size,
        "grid_rows": network.rows,
        "grid_cols": network.cols,
        "layers_per_cell": network.layers_per_cell,
        "layers": [layer.settings() for layer in network.layers],
        "seed": network.seed,
    }
    if network.input_size is not None:
        written["input_size"] = network.input_size
    return written


def require_model_id(model_id: object) -> str:
    """Return a model id after checking it.

    Raises:
        SpecError: Not text, empty, or longer than 256 characters.
    """
    if not isinstance(model_id, str) or not 0 < len(model_id) <= 256:
        raise SpecError(f"a model id must be text of 1 to 256 characters, got {model_id!r:.60}")
    return model_id


def _entry(model_id: str, network: NetworkGrid, save_as: SaveAs, dtype: str) -> dict[str, Any]:
    network.require_weights()
    if save_as == "loom":
        for index, layer in enumerate(network.layers):
            _require_known_to_loom(layer, network.layer_name(index))
    network.programs.require_settled()
    return {
        "id": model_id,
        "cfg": settings_of(network, model_id),
        "weights": encode_weights(network.layers, save_as, dtype),
    }


def _require_known_to_loom(layer: Layer, where: str) -> None:
    unknown = layer.unknown_to_loom()
    if type(layer) not in LOOM_LAYER_TYPES:
        unknown = f"layer type {layer.type_name!r}"
    if unknown:
        raise SpecError(
            f"Loom v0.0.7 has no {unknown}",
            where=where,
            hint='Save as "compact", which holds every layer.',
        )
    for number, child in enumerate(layer.children):
        _require_known_to_loom(child, f"{where}: {child_name('child', number, child)}")
