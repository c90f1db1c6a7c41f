"""A parsed bundle: models by id, each made into a network when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from loom_core import limits
from loom_core.errors import LoomError, ModelFormatError, ModelNotFoundError
from loom_core.fields import Reading
from loom_core.model_io import weights_multi_precision
from loom_core.model_io.json_text import parse_json_object
from loom_core.model_io.weights import decode_weights, stored_dtype
from loom_core.models.network_json import network_from_settings
from loom_core.network.bundle_text import BUNDLE_TYPE, PRODUCER
from loom_core.network.network import Network
from loom_core.public import public, public_class

ReadAs = Literal["auto", "loom", "documented"]


@public_class
class ModelBundle(Mapping[str, Network]):
    """Models by id. A network is made at each access; a damaged one does not harm the others.

    Args:
        text: The bundle's JSON.
        read_as: ``"auto"`` reads our own strings as documented and others as Loom computes them.

    Raises:
        ModelFormatError: Not a bundle, or an id is missing or occurs twice.
        LimitError: Longer, deeper or with more models than the limits allow.
    """

    def __init__(self, text: str, read_as: ReadAs = "auto") -> None:
        self._parsed = _parse_bundle(text)
        self._entries = _entries_of(self._parsed)
        self._reading = reading_of(self._parsed, read_as)

    def __getitem__(self, model_id: str) -> Network:
        return load_entry(self._entry(model_id), model_id, self._reading)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _entry(self, model_id: str) -> dict[str, Any]:
        if model_id not in self._entries:
            ids = ", ".join(repr(known[:40]) for known in list(self._entries)[:10]) or "none"
            raise ModelNotFoundError(
                f"the bundle holds no model {str(model_id)[:80]!r}", hint=f"Its models: {ids}."
            )
        return self._entries[model_id]

    @public("GetModel")
    def get_model(self, model_id: str) -> Network:
        """Return the network of an id.

        Args:
            model_id: One of ListModels.

        Raises:
            ModelNotFoundError: There is no model of that id.
            ModelFormatError: Its weights do not fit its settings.
            SpecError, ShapeError: A setting is not allowed, or layers do not fit together.
            NonFiniteError: A weight is NaN or infinite.
            LimitError: It asks for more than the limits allow.
        """
        return self[model_id]

    @public("GetDType")
    def dtype_of(self, model_id: str) -> str:
        """Return the name of the dtype in which a model's weights are stored.

        Args:
            model_id: One of ListModels.
        """
        return stored_dtype(self._entry(model_id)["weights"])

    @public("ListModels")
    def list_models(self) -> list[str]:
        """Return the ids, in the order of the file."""
        return list(self)

    @public("SaveToString")
    def save_to_string(self) -> str:
        """Return the bundle's JSON, unchanged but for its layout."""
        return json.dumps(self._parsed, indent=2, ensure_ascii=False)

    @public("SaveToFile")
    def save_to_file(self, filename: str) -> None:
        """Write the bundle's JSON to a file (UTF-8); raises OSError.

        Args:
            filename: Path of the file; one that is there is replaced.
        """
        Path(filename).write_text(self.save_to_string(), encoding="utf-8")


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


def _entries_of(bundle: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
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


def reading_of(marked: Mapping[str, Any], read_as: str) -> Reading:
    """Return which meaning the settings of a bundle, or of one model object, have."""
    if read_as == "auto":
        return "documented" if marked.get("producer") == PRODUCER else "loom"
    return "loom" if read_as == "loom" else "documented"


def load_entry(entry: Mapping[str, Any], model_id: str, reading: Reading) -> Network:
    """Return the network of one model object; raises as :meth:`ModelBundle.get_model` does."""
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
