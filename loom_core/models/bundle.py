"""Model strings: bundles of one or more networks, as Loom v0.0.7 writes and reads them.

A bundle is ``{"type": "modelhost/bundle", "version": 1, "models": [{"id", "cfg", "weights"}]}``.
Ours carries a ``producer`` too: with it, settings mean the documented mathematics; without it,
the string is Loom's own and means Loom's arithmetic, unless the caller says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loom_core.errors import ModelFormatError, SpecError
from loom_core.model_io.text_file import read_text_file
from loom_core.model_io.weights import SaveAs, encode_weights
from loom_core.models.model_bundle import (
    BUNDLE_TYPE,
    PRODUCER,
    ModelBundle,
    ReadAs,
    load_entry,
    reading_of,
)
from loom_core.models.network_json import require_model_id, settings_of
from loom_core.network.network import Network
from loom_core.public import public, result_record
from loom_core.running import NetworkGrid, require_network


@public("LoadModelFromString")
def load_model_from_string(text: str, model_id: str, read_as: ReadAs = "auto") -> Network:
    """Return one network of a bundle.

    Args:
        text: The bundle's JSON.
        model_id: Which of its models.
        read_as: ``"auto"`` reads our own strings as documented and others as Loom computes them.

    Raises:
        ModelFormatError: Not a bundle, or its weights do not fit its settings.
        ModelNotFoundError: There is no model of that id.
        SpecError, ShapeError: A setting is not allowed, or layers do not fit together.
        NonFiniteError: A weight is NaN or infinite.
        LimitError: It asks for more than the limits allow.
    """
    return ModelBundle(text, read_as)[model_id]


@result_record
@dataclass(frozen=True)
class LoadedModel:
    """A network with the dtype of its stored weights.

    Args:
        network: Its weights are float32, whatever the file holds.
        dtype: Name of the dtype in the file.
    """

    network: Network
    dtype: str


@public("LoadModelWithDType")
def load_model_with_dtype(text: str, model_id: str, target_dtype: str = "float32") -> LoadedModel:
    """Return a network and the dtype that its weights are stored in.

    Args:
        text: The bundle's JSON.
        model_id: Which of its models.
        target_dtype: Only float32: networks compute in float32 whatever a file holds.

    Raises:
        SpecError: Another target dtype; else like load_model_from_string.
    """
    if target_dtype != "float32":
        raise SpecError(
            f"a network's weights are float32, not {target_dtype!r:.40}",
            hint="Use GenericForwardPass to compute in another dtype.",
        )
    bundle = ModelBundle(text)
    return LoadedModel(bundle[model_id], bundle.dtype_of(model_id))


@public("DeserializeModel")
def deserialize_model(saved: dict[str, object]) -> Network:
    """Return the network of one model object, as SerializeModel gives it.

    Args:
        saved: An object with id, cfg and weights.

    Raises:
        ModelFormatError: It is no object with id, cfg and weights; else as load_model_from_string.
    """
    model_id = saved.get("id") if isinstance(saved, dict) else None
    if not isinstance(model_id, str):
        raise ModelFormatError("a saved model is an object with id, cfg and weights")
    return load_entry(saved, model_id, reading_of(saved, "auto"))


def serialize_model(network: NetworkGrid, model_id: str, save_as: SaveAs) -> dict[str, Any]:
    """Return one model object: id, cfg, weights and our producer mark."""
    entry = _entry(require_model_id(model_id), network, save_as, "float32")
    return {**entry, "producer": PRODUCER}


@public("LoadBundleFromString")
def load_bundle_from_string(text: str, read_as: ReadAs = "auto") -> ModelBundle:
    """Return a bundle, whose networks are made when they are asked for.

    Args:
        text: The bundle's JSON.
        read_as: ``"auto"`` reads our own strings as documented and others as Loom computes them.

    Raises:
        ModelFormatError, LimitError: See :class:`ModelBundle`.
    """
    return ModelBundle(text, read_as)


@public("ListModels")
def list_models(text: str) -> list[str]:
    """Return the ids of a bundle's models, in the order of the file.

    Args:
        text: The bundle's JSON.
    """
    return ModelBundle(text).list_models()


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
        SpecError: An id is empty or too long, or the dtype is not one of the format's.
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


@public("SaveBundle")
def save_bundle(
    filename: str, networks: Mapping[str, Network], save_as: SaveAs = "compact"
) -> None:
    """Write a bundle to a file (UTF-8); raises like save_bundle_to_string, and OSError.

    Args:
        filename: Path of the file; one that is there is replaced.
        networks: By id, each of 1 to 256 characters.
        save_as: ``"compact"``, small and fast to load, or ``"loom"``, what Loom v0.0.7 reads.
    """
    Path(filename).write_text(save_bundle_to_string(networks, save_as), encoding="utf-8")


@public("LoadBundle")
def load_bundle(filename: str, read_as: ReadAs = "auto") -> ModelBundle:
    """Return the bundle in a file; raises as LoadBundleFromString, and OSError.

    Args:
        filename: Path of the file.
        read_as: See LoadBundleFromString.
    """
    return load_bundle_from_string(read_text_file(filename), read_as)


@public("LoadModel")
def load_model(filename: str, model_id: str, read_as: ReadAs = "auto") -> Network:
    """Return one network of a bundle file; raises as LoadModelFromString, and OSError.

    Args:
        filename: Path of the file.
        model_id: Which of its models.
        read_as: See LoadModelFromString.
    """
    return load_model_from_string(read_text_file(filename), model_id, read_as)


def _entry(model_id: str, network: NetworkGrid, save_as: SaveAs, dtype: str) -> dict[str, Any]:
    network.require_weights()
    network.programs.require_settled()
    return {
        "id": model_id,
        "cfg": settings_of(network, model_id),
        "weights": encode_weights(network.layers, save_as, dtype),
    }
