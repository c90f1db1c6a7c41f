"""Model strings: bundles of one or more networks, as Loom v0.0.7 writes and reads them.

A bundle is ``{"type": "modelhost/bundle", "version": 1, "models": [{"id", "cfg", "weights"}]}``.
Ours carries a ``producer`` too: with it, settings mean the documented mathematics; without it,
the string is Loom's own and means Loom's arithmetic, unless the caller says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loom_core.errors import ModelFormatError, SpecError
from loom_core.model_io.text_file import read_text_file
from loom_core.model_io.weights import SaveAs
from loom_core.models.model_bundle import ModelBundle, ReadAs, load_entry, reading_of
from loom_core.network.bundle_text import save_bundle_to_string
from loom_core.network.network import Network
from loom_core.public import public, result_record


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
