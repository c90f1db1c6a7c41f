"""The grid of cells of layers."""

from __future__ import annotations

from loom_core import limits
from loom_core.activations import ActivationType, activation
from loom_core.arrays import F32, Shape, element_count
from loom_core.checks import optional_size, positive, whole_seed
from loom_core.errors import ShapeError, SpecError
from loom_core.layers import Dense, Layer
from loom_core.layers.chain import chain_input_features, complete_chain
from loom_core.public import public


class Grid:
    """Layers in their places, with their sizes and weights: what a network is, as data."""

    def __init__(
        self,
        input_size: int | None,
        rows: int,
        cols: int,
        layers_per_cell: int,
        *,
        seed: int = 0,
        batch_size: int = 1,
        model_id: str = "",
    ) -> None:
        self.input_size = optional_size(input_size, "input_size")
        self.rows = positive(rows, "rows")
        self.cols = positive(cols, "cols")
        self.layers_per_cell = positive(layers_per_cell, "layers_per_cell")
        count = self.rows * self.cols * self.layers_per_cell
        limits.require_within(count, limits.LAYERS, "the number of layers")
        self.seed = whole_seed(seed)
        self.batch_size = positive(batch_size, "batch_size")
        self.model_id = model_id
        self.layers: list[Layer] = [
            Dense(activation=ActivationType(index % 5)) for index in range(count)
        ]

    # The grid

    def _index(self, row: int, col: int, layer: int) -> int:
        limit = (self.rows, self.cols, self.layers_per_cell)
        if not all(0 <= at < size for at, size in zip((row, col, layer), limit, strict=True)):
            raise SpecError(
                f"there is no layer ({row}, {col}, {layer}) in a grid of "
                f"{self.rows} x {self.cols} cells of {self.layers_per_cell}",
                hint="Rows, columns and layers are counted from 0.",
            )
        return (row * self.cols + col) * self.layers_per_cell + layer

    def place(self, index: int) -> tuple[int, int, int]:
        """Return (row, column, layer within the cell) of the ``index``-th layer."""
        cell, layer = divmod(index, self.layers_per_cell)
        return (*divmod(cell, self.cols), layer)

    def place_name(self, index: int) -> str:
        """Return how messages call a place in the grid."""
        row, col, layer = self.place(index)
        return f"cell ({row}, {col}) layer {layer}"

    def layer_name(self, index: int) -> str:
        """Return how messages call a layer: its place and type."""
        return f"{self.place_name(index)} {self.layers[index].type_name}"

    @public("GetActivation")
    def get_activation(self, row: int, col: int, layer: int) -> int:
        """Return the code of the activation of the layer at a place; -1 where it has none.

        Args:
            row: Row of the cell, from 0.
            col: Column of the cell, from 0.
            layer: Place in the cell, from 0.
        """
        name = getattr(self.layers[self._index(row, col, layer)], "activation", None)
        return -1 if name is None else activation(name).code

    @public("TotalLayers")
    def total_layers(self) -> int:
        """Return rows x columns x layers per cell."""
        return len(self.layers)

    @public("GetTotalParameters")
    def get_total_parameters(self) -> int:
        """Return the number of parameters of all layers; running statistics are none."""
        self.complete_sizes()
        return sum(layer.parameter_count() for layer in self.layers)

    @public("GetMemoryUsage")
    def get_memory_usage(self) -> int:
        """Return the bytes of all weights, running statistics included."""
        return 4 * (self.get_total_parameters() + self.statistics_count())

    def statistics_count(self) -> int:
        """Return the number of running statistics of all layers, whose sizes are complete."""
        return sum(layer.statistics_count() for layer in self.layers)

    @public("GetNetworkInfo")
    def get_network_info(self) -> dict[str, int]:
        """Return the grid's sizes; InputSize and OutputSize are 0 where any size is taken."""
        shapes = self.complete_sizes()
        return {
            "GridRows": self.rows,
            "GridCols": self.cols,
            "LayersPerCell": self.layers_per_cell,
            "TotalLayers": len(self.layers),
            "InputSize": self.input_width() or 0,
            "OutputSize": 0 if shapes[-1] is None else element_count(shapes[-1]),
        }

    # Sizes and weights

    def complete_sizes(self) -> list[Shape | None]:
        """Infer the sizes that layers left out; return each layer's output shape.

        Raises:
            ShapeError: A size is missing, or layers do not fit; the message names the layer.
            LimitError: More parameters than the limits allow.
        """
        start = None if self.input_size is None else (self.input_size,)
        shapes = complete_chain(self.layers, start, self.layer_name)
        count = self.statistics_count() + sum(layer.parameter_count() for layer in self.layers)
        limits.require_within(count, limits.PARAMETERS, "the number of parameters")
        return shapes

    def input_width(self) -> int | None:
        """Return how many numbers one sample holds; None where any number will do."""
        if self.input_size is not None:
            return self.input_size
        return chain_input_features(self.layers)

    def output_width(self, input_width: int) -> int:
        """Return how many numbers one output sample holds, for inputs of a given width."""
        self.complete_sizes()
        shape = complete_chain(self.layers, (input_width,), self.layer_name)[-1]
        return element_count(shape or ())

    def require_weights(self) -> None:
        """Draw the weights of layers that have none yet."""
        self.complete_sizes()
        for index, layer in enumerate(self.layers):
            layer.initialize(self.seed, index, missing_only=True)

    def split_batch(self, data: F32, what: str) -> tuple[int, int]:
        """Return (samples, numbers in each) of an input, flat or with the batch first.

        Raises:
            ShapeError: The length is not a whole number of samples, or there are none.
        """
        return self._split_shape(data.shape, what)

    def _split_shape(self, shape: Shape, what: str) -> tuple[int, int]:
        width = self.input_width()
        if len(shape) > 1:
            batch, found = shape[0], element_count(shape[1:])
            if batch == 0 or found == 0 or (width is not None and found != width):
                raise ShapeError(f"{what} of shape {shape}: each sample needs {width} numbers")
            return batch, found
        size = element_count(shape)
        samples = self.batch_size if width is None else size // width
        if samples == 0 or size == 0 or size % samples or (width is not None and size % width):
            expected = (
                f"a multiple of {width}" if width else f"a multiple of the batch size {samples}"
            )
            raise ShapeError(
                f"{what} has {size} numbers, expected {expected}",
                hint="Pass one sample, or several one after the other.",
            )
        return samples, size // samples
