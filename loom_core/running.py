"""The grid of cells of layers, its plans, and how it runs forward."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np

from loom_core import limits
from loom_core.activations import activation
from loom_core.arrays import F32, FloatData, Shape, element_count, to_float32
from loom_core.backends.base import Backend, Program
from loom_core.backends.choice import BackendName, BackendReport, Choice, choose, report
from loom_core.backends.program_cache import ProgramCache
from loom_core.backends.webgpu_backend import WebGpuBackend
from loom_core.errors import ShapeError, SpecError
from loom_core.graph.plan import Plan
from loom_core.layers import Dense, Layer
from loom_core.layers.chain import chain_input_features, complete_chain
from loom_core.optimize.control import TrainingControl
from loom_core.optimize.gradient_sums import GradientSums
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.step_graph import inference_plan
from loom_core.optimize.training_state import TrainingPosition
from loom_core.public import Wait, public


def require_network(value: object, name: str) -> None:
    """Raise :class:`SpecError` where something else is given in a network's place."""
    if not isinstance(value, NetworkGrid):
        raise SpecError(f"{name!r} must be a network, got {type(value).__name__}")


class NetworkGrid:
    """Layers in their places, their weights, and the programs that run them.

    What else a network can do stands with its subject, in classes that derive from this one;
    :class:`~loom_core.network.network.Network` puts them together.
    """

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
        backend: BackendName | Backend = "auto",
    ) -> None:
        for name, size in (("rows", rows), ("cols", cols), ("layers_per_cell", layers_per_cell)):
            if size < 1:
                raise SpecError(f"a network needs {name} of at least 1, got {size}")
        count = rows * cols * layers_per_cell
        limits.require_within(count, limits.LAYERS, "the number of layers")
        self.input_size = input_size
        self.rows = rows
        self.cols = cols
        self.layers_per_cell = layers_per_cell
        self.seed = seed
        self.batch_size = batch_size
        self.model_id = model_id
        self._choice = choose(backend)
        self.layers: list[Layer] = [Dense(activation=index % 5) for index in range(count)]
        self.control = TrainingControl()
        self.programs = ProgramCache()
        self.gpu: WebGpuBackend | None = None
        self.last_forward: Program | None = None
        self.gradients = GradientSums()
        self.optimizer: Optimizer | None = None
        self.training_optimizer: Optimizer | None = None
        self.position: TrainingPosition | None = None
        self.trained_on = ""

    # The grid

    def _index(self, row: int, col: int, layer: int) -> int:
        limit = (self.rows, self.cols, self.layers_per_cell)
        if not all(0 <= at < size for at, size in zip((row, col, layer), limit, strict=True)):
            raise SpecError(
                f"there is no layer ({row}, {col}, {layer}) in a grid of "
                f"{self.rows} x {self.cols} cells of {self.layers_per_cell}"
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

    @public("GetLayer")
    def get_layer(self, row: int, col: int, layer: int) -> Layer:
        """Return the layer at a place in the grid, with its present weights.

        While a training runs on a GPU they come back for this call; the layer shows later ones when
        they have come again: at the next such call, when the training pauses, or at its end.

        Args:
            row: Row of the cell, from 0.
            col: Column of the cell, from 0.
            layer: Place in the cell, from 0.

        Raises:
            SpecError: There is no such place.
            BusyError: The weights are on a GPU, and this call cannot wait for them.
        """
        index = self._index(row, col, layer)
        self.programs.require_settled()
        return self.layers[index]

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

    @public("SetLayer")
    def set_layer(self, row: int, col: int, layer: int, config: Layer) -> None:
        """Put a layer into the grid; weights that it lacks are drawn when they are needed.

        Args:
            row: Row of the cell, from 0.
            col: Column of the cell, from 0.
            layer: Place in the cell, from 0.
            config: The layer, as an init function such as InitDenseLayer returns it.

        Raises:
            SpecError: There is no such place.
            BusyError: The network is training.
        """
        index = self._index(row, col, layer)
        self.control.require_idle("set a layer")
        self.programs.clear()
        self.layers[index] = config
        self.last_forward = None
        self.gradients.forget()
        self.position = None

    @public("TotalLayers")
    def total_layers(self) -> int:
        """Return rows x columns x layers per cell."""
        return len(self.layers)

    @public("GetTotalParameters")
    def get_total_parameters(self) -> int:
        """Return the number of weights of all layers."""
        self.complete_sizes()
        return sum(layer.parameter_count() for layer in self.layers)

    @public("GetMemoryUsage")
    def get_memory_usage(self) -> int:
        """Return the bytes of all weights."""
        return 4 * self.get_total_parameters()

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
        parameters = sum(layer.parameter_count() for layer in self.layers)
        limits.require_within(parameters, limits.PARAMETERS, "the number of parameters")
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

    @public("InitializeWeights")
    def initialize_weights(self, seed: int | None = None) -> None:
        """Draw all weights anew; the same seed gives the same weights on every platform.

        Args:
            seed: Replaces the network's seed; left out, the weights of the present one return.

        Raises:
            ShapeError: Layers do not fit together.
            BusyError: The network is training.
        """
        self.control.require_idle("draw new weights")
        self.programs.require_settled()
        self.complete_sizes()
        self.seed = self.seed if seed is None else seed
        for index, layer in enumerate(self.layers):
            layer.initialize(self.seed, index)

    def require_weights(self) -> None:
        """Draw the weights of layers that have none yet."""
        self.complete_sizes()
        for index, layer in enumerate(self.layers):
            if not layer.initialized:
                layer.initialize(self.seed, index, missing_only=True)

    # Running

    def program(self, batch: int, width: int, backend: Backend | None = None) -> Program:
        """Return the prepared plan of an inference for a batch size; made once, then kept.

        Args:
            batch: Samples.
            width: Numbers in one sample.
            backend: Another than the network's own.

        Raises:
            ShapeError, LimitError: See :meth:`complete_sizes`, and the plan's memory limit.
        """
        return self.prepared(
            ("inference", batch, width),
            lambda: inference_plan(self.layers, batch, width),
            backend,
        )

    def prepared(
        self,
        key: tuple[object, ...],
        make_plan: Callable[[], Plan],
        backend: Backend | None = None,
    ) -> Program:
        """Return the program of a plan, made at the first call and kept by its key.

        Args:
            key: What the plan depends on besides the layers: first what it is for, then sizes.
            make_plan: Called where there is no such program; the layers have their weights then.
            backend: Another than the network's own.

        Raises:
            BusyError: It runs on a CPU, the weights are on a GPU, and no call can wait for them.
        """
        runs = backend or self._choice.backend
        key = (runs.name, *key, *(layer.flags() for layer in self.layers))
        return self.programs.prepared(key, runs, make_plan, self.require_weights)

    def adopt_gpu(self, backend: WebGpuBackend | None) -> None:
        """Let a GPU, or none, be the network's; what was made ready on another one is dropped.

        The weights must have come back from there.
        """
        named = self._choice.asked == "webgpu"
        if backend is not (self._choice.backend if named else self.gpu):
            self.programs.forget(WebGpuBackend.name)
            self.last_forward = None if named else self.last_forward
        self.gpu = backend
        if named:
            found = Choice("webgpu", backend, "it was asked for") if backend else choose("auto")
            self._choice = found

    @public("SetBackend")
    def set_backend(self, backend: BackendName) -> None:
        """Let another backend run the network from now on; the weights stay.

        Args:
            backend: ``"auto"`` (SIMD where it runs, else NumPy), ``"simd"``, ``"numpy"`` or
                ``"webgpu"`` (in a browser after InitGPU).

        Raises:
            SpecError: There is no backend of that name.
            BackendError: It cannot run here.
            BusyError: The network is training.
        """
        self.control.require_idle("change the backend")
        choice = choose(backend)
        self.programs.clear()
        self._choice = choice

    @public("GetBackendReport")
    def backend_report(self) -> BackendReport:
        """Return what was asked for, what runs, why, and which ops fall back to NumPy."""
        return report(self._choice, self.programs, self.gpu, self.trained_on)

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

    @public("ForwardCPU")
    def forward_cpu(self, input: FloatData) -> F32:
        """Return the network's output for one sample or a batch of samples.

        Args:
            input: Flat, (I,) or (B * I,), or with the batch first, (B, ...).

        Returns:
            (O,) or (B * O,) for a flat input, else (B, O).

        Raises:
            ShapeError: The length is not a whole number of samples.
            SpecError: The input holds anything but numbers.
            BusyError: The weights are on a GPU, and this call cannot wait for them.
        """
        data = to_float32(input, "the input")
        with self.control.whole_steps:
            program = self.forward_program(data.shape)
            program.write("input", data)
            self.run_forward(program)
            output = np.asarray(program.read("output"), np.float32)
        return output if data.ndim > 1 else output.reshape(-1)

    def forward_steps(self, x: F32, backend: Backend | None = None) -> Generator[Wait, None, F32]:
        """Return the output (B, O) for (B, I) inputs, where that takes time; nobody is told."""
        batch, width = x.shape
        program = self.program(batch, width, backend=backend)
        program.write("input", x)
        program.queue()
        found = yield from program.fetch(("output",))
        return np.asarray(found["output"], np.float32)

    def listening(self, step: int = 0) -> bool:
        """Return whether anyone is told what layers compute in a step; see the class Observing."""
        return False

    def run_forward(self, program: Program) -> None:
        """Run a forward pass, and tell those who listen what it has computed."""
        program.run()

    def tell_backward(self, program: Program, step: int | None = None) -> None:
        """Tell those who listen what a backward pass has computed, tick by tick or not."""

    def tell_tick(self, program: Program, chosen: Sequence[int], step: int) -> None:
        """Tell those who listen what some layers have computed in a tick."""

    def forward_program(self, shape: Shape) -> Program:
        """Return what ForwardCPU runs for an input of that shape, and keep it as the last one.

        Raises:
            ShapeError: As ForwardCPU does.
        """
        if not self.programs:  # where there are programs, all sizes are known
            self.complete_sizes()
        batch, width = self._split_shape(shape, "the input")
        # Its input port keeps what a backward pass starts from.
        self.last_forward = self.program(batch, width)
        return self.last_forward
