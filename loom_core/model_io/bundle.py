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
from typing import Any, Literal

from loom_core import limits
from loom_core.errors import LoomError, ModelFormatError, ModelNotFoundError, SpecError
from loom_core.model_io import weights_multi_precision
from loom_core.model_io.fields import Reading
from loom_core.model_io.json_text import parse_json_object
from loom_core.model_io.network_json import network_from_settings, require_model_id, settings_of
from loom_core.model_io.text_file import read_text_file
from loom_core.model_io.weights import SaveAs, decode_weights, encode_weights, stored_dtype
from loom_core.network import Network
from loom_core.public import public, result_record

BUNDLE_TYPE = "modelhost/bundle"
PRODUCER = "loom_core"

ReadAs = Literal["auto", "loom", "documented"]


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
    bundle = _parse_bundle(text)
    entries = _entries(bundle)
    if model_id not in entries:
        ids = ", ".join(repr(known[:40]) for known in list(entries)[:10]) or "none"
        raise ModelNotFoundError(
            f"the bundle holds no model {str(model_id)[:80]!r}", hint=f"Its models: {ids}."
        )
    return _load_entry(entries[model_id], model_id, _reading(bundle, read_as))


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
    network = load_model_from_string(text, model_id)
    entry = _entries(_parse_bundle(text))[model_id]
    return LoadedModel(network, stored_dtype(entry["weights"]))


@public("DeserializeModel")
def deserialize_model(saved: dict[str, object]) -> Network:
    """Return the network of one model object, as SerializeModel gives it.

    Raises:
        ModelFormatError: It is no object with id, cfg and weights; else as load_model_from_string.
    """
    model_id = saved.get("id") if isinstance(saved, dict) else None
    if not isinstance(model_id, str):
        raise ModelFormatError("a saved model is an object with id, cfg and weights")
    return _load_entry(saved, model_id, _reading(saved, "auto"))


def serialize_model(network: Network, model_id: str, save_as: SaveAs) -> dict[str, Any]:
    """Return one model object: id, cfg, weights and our producer mark."""
    entry = _entry(require_model_id(model_id), network, save_as, "float32")
    return {**entry, "producer": PRODUCER}


@public("LoadBundleFromString")
def load_bundle_from_string(text: str, read_as: ReadAs = "auto") -> dict[str, Network]:
    """Return every network of a bundle by id; raises like load_model_from_string."""
    bundle = _parse_bundle(text)
    reading = _reading(bundle, read_as)
    return {
        model_id: _load_entry(entry, model_id, reading)
        for model_id, entry in _entries(bundle).items()
    }


@public("ListModels")
def list_models(text: str) -> list[str]:
    """Return the ids of a bundle's models, in the order of the file."""
    return list(_entries(_parse_bundle(text)))


def save_bundle_to_string(
    networks: Mapping[str, Network], save_as: SaveAs = "compact", dtype: str = "float32"
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
    """Write a bundle to a file (UTF-8); raises like save_bundle_to_string, and OSError."""
    Path(filename).write_text(save_bundle_to_string(networks, save_as), encoding="utf-8")


@public("LoadBundle")
def load_bundle(filename: str, read_as: ReadAs = "auto") -> dict[str, Network]:
    """Return every network of a bundle file by id."""
    return load_bundle_from_string(read_text_file(filename), read_as)


@public("LoadModel")
def load_model(filename: str, model_id: str, read_as: ReadAs = "auto") -> Network:
    """Return one network of a bundle file; raises like load_model_from_string, and OSError."""
    return load_model_from_string(read_text_file(filename), model_id, read_as)


def _parse_bundle(text: str) -> dict[str, Any]:
    bundle = parse_json_object(text, "the model string")
    found = bundle.get("type")
    if found != BUNDLE_TYPE:
        raise ModelFormatError(
            f'a model string has the type "{BUNDLE_TYPE}", this has {str(found)[:40]!r}',
            hint="A bare description without weights goes to BuildNetworkFromJSON.",
        )
    version = bundle.get("version")
    if version not in (1, 2):
        raise ModelFormatError(f"bundle version {version!r:.40} is not known; 1 and 2 are")
    return bundle


def _entries(bundle: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    models = bundle.get("models")
    if not isinstance(models, list) or not all(isinstance(model, dict) for model in models):
        raise ModelFormatError("the bundle has no list of models")
    limits.require_within(len(models), limits.MODELS_PER_BUNDLE, "the number of models")
    entries: dict[str, dict[str, Any]] = {}
    for index, model in enumerate(models):
        model_id = model.get("id")
        if not isinstance(model_id, str):
            raise ModelFormatError(f"model {index} of the bundle has no id")
        if model_id in entries:
            raise ModelFormatError(f"two models of the bundle have the id {model_id[:80]!r}")
        entries[model_id] = model
    return entries


def _reading(bundle: Mapping[str, Any], read_as: str) -> Reading:
    if read_as == "auto":
        return "documented" if bundle.get("producer") == PRODUCER else "loom"
    if read_as == "loom":
        return "loom"
    return "documented"


def _load_entry(entry: Mapping[str, Any], model_id: str, reading: Reading) -> Network:
    where = f"model {model_id[:80]!r}"
    settings, weights = entry.get("cfg"), entry.get("weights")
    if not isinstance(settings, dict) or not isinstance(weights, dict):
        raise ModelFormatError("a model needs cfg and weights", where=where)
    network = network_from_settings(
        settings,
        reading=reading,
        where=where,
        sizes_lost=reading == "loom" and weights.get("fmt") == weights_multi_precision.FORMAT,
    )
    names = [network.layer_name(index) for index in range(len(network.layers))]
    try:
        found = decode_weights(network.layers, names, weights)
    except LoomError as error:
        raise error.at(where) from error
    for layer, values in found:
        layer.set_weights(values)
    network.model_id = model_id
    return network


def _entry(model_id: str, network: Network, save_as: SaveAs, dtype: str) -> dict[str, Any]:
    network.require_weights()
    return {
        "id": model_id,
        "cfg": settings_of(network, model_id),
        "weights": encode_weights(network.layers, save_as, dtype),
    }
