"""What a network does with model strings and files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from loom_core.model_io.size_info import ModelSizeInfo, model_size_info
from loom_core.network.bundle_text import save_bundle_to_string, serialize_model
from loom_core.public import public
from loom_core.running import NetworkGrid


class Saving(NetworkGrid):
    """Methods that save a network."""

    @public("SaveModelToString")
    def save_model_to_string(
        self, model_id: str, save_as: Literal["compact", "loom"] = "compact"
    ) -> str:
        """Return the network as a model string, a bundle of one.

        Args:
            model_id: Its name in the bundle.
            save_as: ``"compact"``, or ``"loom"`` for what Loom v0.0.7 reads.

        Raises:
            SpecError: The id is empty or too long, or Loom has no such layer or activation.
            NonFiniteError: A weight is NaN or infinite.
        """
        return save_bundle_to_string({model_id: self}, save_as)

    @public("SaveModelWithDType")
    def save_model_with_dtype(
        self, model_id: str, dtype: str, save_as: Literal["compact", "loom"] = "compact"
    ) -> str:
        """Return the network as a model string whose weights are stored in a dtype.

        Args:
            model_id: Under which it is found again; 1 to 256 characters.
            dtype: float32, float64, int8, int16, int32, or float16 (compact only). All but the
                first two round the weights, but no running statistics, which stay float32.
            save_as: ``"compact"``, small and fast to load, or ``"loom"``, what Loom v0.0.7 reads.

        Raises:
            SpecError: The id is empty or too long, or the format has no such dtype, layer or
                activation.
            NonFiniteError: A weight is NaN or infinite.
        """
        return save_bundle_to_string({model_id: self}, save_as, dtype)

    @public("SerializeModel")
    def serialize_model(
        self, model_id: str, save_as: Literal["compact", "loom"] = "compact"
    ) -> dict[str, object]:
        """Return the network as one model object (id, cfg, weights) for DeserializeModel.

        Args:
            model_id: Under which it is found again; 1 to 256 characters.
            save_as: See SaveModelToString.
        """
        return serialize_model(self, model_id, save_as)

    @public("SaveModel")
    def save_model(
        self, filename: str, model_id: str, save_as: Literal["compact", "loom"] = "compact"
    ) -> None:
        """Write the network to a file; raises as SaveModelToString, and OSError.

        Args:
            filename: Path of the file; one that is there is replaced.
            model_id: Under which it is found again; 1 to 256 characters.
            save_as: See SaveModelToString.
        """
        Path(filename).write_text(self.save_model_to_string(model_id, save_as), encoding="utf-8")

    @public("GetModelSizeInfo")
    def get_model_size_info(self) -> dict[str, ModelSizeInfo]:
        """Return how large the weights are in each dtype that a model string can hold."""
        parameters = self.get_total_parameters()
        return model_size_info(parameters, self.statistics_count())
