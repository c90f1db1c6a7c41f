"""Turns ONNX models into the artifacts of ONNX Runtime's training build.

Runs in an environment of its own: python training_artifacts.py FOLDER, where FOLDER holds
``W1/forward.onnx`` and so on. The artifacts come to lie beside the models.
"""

import sys
from pathlib import Path
from unittest.mock import MagicMock

# These parts of the package need PyTorch, which making artifacts does not.
for name in ("amp", "optim", "ortmodule"):
    sys.modules[f"onnxruntime.training.{name}"] = MagicMock()

import onnx  # noqa: E402 (after the parts above)
from onnxruntime.training import artifacts  # noqa: E402

REGRESSIONS = ("W1", "W5", "W6")
CONSTANTS = ("scale", "hstart", "cstart")


def main(folder: Path) -> None:
    """Make the artifacts of each model in the folder."""
    for path in sorted(folder.glob("*/forward.onnx")):
        model = onnx.load(str(path))
        weights = [
            constant.name
            for constant in model.graph.initializer
            if constant.data_type == onnx.TensorProto.FLOAT and constant.name not in CONSTANTS
        ]
        regression = path.parent.name in REGRESSIONS
        loss = artifacts.LossType
        artifacts.generate_artifacts(
            model,
            requires_grad=weights,
            loss=loss.MSELoss if regression else loss.CrossEntropyLoss,
            optimizer=artifacts.OptimType.AdamW,
            artifact_directory=str(path.parent),
        )


main(Path(sys.argv[1]))
