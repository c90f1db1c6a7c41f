"""A grid of layers with the programs that run it, and with its state between calls."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import numpy as np

from loom_core.arrays import F32, FloatData, Shape, to_float32
from loom_core.backends.arena import ArenaProgram
from loom_core.backends.base import Backend, Program
from loom_core.backends.choice import BackendName, BackendReport, Choice, choose, report
from loom_core.backends.program_cache import ProgramCache
from loom_core.backends.webgpu_backend import WebGpuBackend
from loom_core.checks import whole_seed
from loom_core.cooperative import Wait, finish
from loom_core.errors import SpecError, kind_of
from loom_core.graph.plan import Plan
from loom_core.grid import Grid
from loom_core.layers import Layer
from loom_core.layers.base import require_layer
from loom_core.observers.observer import LayerObserver
from loom_core.optimize.optimizer import Optimizer
from loom_core.optimize.training_state import TrainingPosition
from loom_core.plans.gradient_sums import GradientSums
from loom_core.plans.step_graph import inference_plan
from loom_core.public import public
from loom_core.training_control import TrainingControl
from loom_core.watch.layer_events import WatchedRun, read_values, summary_of
from loom_core.watch.watched_layers import anyone_listens, watched_layers


def require_network(value: object, name: str) -> None:
    """Raise :class:`SpecError` where something else is given in a network's place."""
    if not isinstance(value, NetworkGrid):
        raise SpecError(f"{name!r} must be a network, got {kind_of(value)}")


class NetworkGrid(Grid):
    """A grid that can be run, and observed while it runs.

    All other methods of a network are grouped by subject in classes that derive from this one;
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
        super().__init__(
            input_size, rows, cols, layers_per_cell,
            seed=seed, batch_size=batch_size, model_id=model_id,
        )  # fmt: skip
        self._choice = choose(backend)
        self.control = TrainingControl()
        self.programs = ProgramCache()
        self.gpu: WebGpuBackend | None = None
        self.last_forward: Program | None = None
        self.gradients = GradientSums()
        self.optimizer: Optimizer | None = None
        self.training_optimizer: Optimizer | None = None
        self.position: TrainingPosition | None = None
        self.trained_on = ""
        self.observer: LayerObserver | None = None
        self.observe_every = 1
        self.watched_activations: WatchedRun | None = None  # unless a forward pass came later
        self.watched_gradients: WatchedRun | None = None  # unless a backward pass came later

    @public("GetLayer")
    def get_layer(self, row: int, col: int, layer: int) -> Layer:
        """Return the layer at a place in the grid, with its present weights.

        While a training runs on a GPU, this call first copies the weights from there. The layer
        keeps them until the next copy: at the next such call, when the training pauses, or when it
        ends.

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

    @public("SetLayer")
    def set_layer(self, row: int, col: int, layer: int, config: Layer) -> None:
        """Put a layer into the grid; weights that it lacks are drawn when they are needed.

        Args:
            row: Row of the cell, from 0.
            col: Column of the cell, from 0.
            layer: Place in the cell, from 0.
            config: The layer, as an init function such as InitDenseLayer returns it.

        Raises:
            SpecError: There is no such place, or what is put there is no layer.
            BusyError: The network is training.
        """
        index = self._index(row, col, layer)
        require_layer(config, self.place_name(index))
        self.control.require_idle("set a layer")
        self.programs.clear()
        self.layers[index] = config
        self.last_forward = None
        self.gradients.forget()
        self.position = None

    @public("InitializeWeights")
    def initialize_weights(self, seed: int | None = None) -> None:
        """Draw all weights anew; the same seed gives the same weights on every platform.

        Args:
            seed: Replaces the network's seed; left out, the weights of the present seed are drawn.

        Raises:
            ShapeError: Layers do not fit together.
            SpecError: The seed is no whole number.
            BusyError: The network is training.
        """
        seed = self.seed if seed is None else whole_seed(seed)
        self.control.require_idle("draw new weights")
        self.programs.require_settled()
        self.complete_sizes()
        self.seed = seed
        for index, layer in enumerate(self.layers):
            layer.initialize(self.seed, index)

    # Running

    def program(self, batch: int, width: int, backend: Backend | None = None) -> Program:
        """Return the prepared plan of an inference for a batch size; made once, then kept.

        Args:
            batch: Samples.
            width: Numbers in one sample.
            backend: Used instead of the network's own.

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
            make_plan: Called if there is no such program yet, after all weights have been drawn.
            backend: Used instead of the network's own.

        Raises:
            BusyError: It runs on a CPU, the weights are on a GPU, and this call cannot wait.
        """
        runs = backend or self._choice.backend
        key = (runs.name, *key, *(layer.flags() for layer in self.layers))
        return self.programs.prepared(key, runs, make_plan, self.require_weights)

    def adopt_gpu(self, backend: WebGpuBackend | None) -> None:
        """Set the network's GPU, or none; programs on another one are dropped.

        Their weights must have been copied back before.
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
        """Return the output (B, O) for inputs (B, I) on any backend; observers are told nothing."""
        batch, width = x.shape
        program = self.program(batch, width, backend=backend)
        program.write("input", x)
        program.queue()
        found = yield from program.fetch(("output",))
        return np.asarray(found["output"], np.float32)

    def forward_program(self, shape: Shape) -> Program:
        """Return what ForwardCPU runs for an input of that shape, and keep it as the last one.

        Raises:
            ShapeError: As ForwardCPU does.
        """
        if not self.programs:  # where there are programs, all sizes are known
            self.complete_sizes()
        batch, width = self._split_shape(shape, "the input")
        # Its input port keeps what a backward pass starts from.
        self.watched_activations = None
        self.last_forward = self._forward(batch, width)
        return self.last_forward

    def forward_sheet(self, length: int) -> int:
        """Return where the call sheet of ForwardCPU lies, for a flat input of that length.

        To run by the sheet does what ForwardCPU would do; see
        :meth:`~loom_core.backends.base.Program.call_sheet`. The sheet is valid until the next call
        of any method of the network.

        Returns:
            0 where the call does more than to run a program by one call of the kernels.

        Raises:
            ShapeError, BusyError: As ForwardCPU does.
        """
        if type(self).forward_cpu is not NetworkGrid.forward_cpu or self.listening():
            return 0
        return self.forward_program((length,)).call_sheet("input", "output")

    def _forward(self, batch: int, width: int) -> Program:
        """Return the program of an inference: one that shows its layers while anyone listens."""
        if not self.control.running and self.listening():
            return self.watched_inference(batch, width)
        return self.program(batch, width)

    def left_on_gpu(self) -> Generator[Wait, None, None] | None:
        """Return a generator that copies weights back which a cancelled training left on a GPU.

        None if there are none, or if another training runs, which will copy them.
        """
        if self.control.running or not self.programs.ahead():
            return None
        return self.programs.settle()

    # Watching

    def listening(self, step: int = 0) -> bool:
        """Return whether anyone watches the network or a layer, in a training at that step."""
        if self.observer is None and not anyone_listens(self.layers):
            return False
        return not (self.control.running and step % self.observe_every)

    def note_watched_step(self, run: WatchedRun | None) -> None:
        """Keep a watched step of a training, to be shown later; None at its beginning."""
        self.watched_activations = self.watched_gradients = run

    def watched_inference(self, batch: int, width: int) -> Program:
        """Return the prepared plan of an inference that shows its layers."""
        key = ("watched inference", batch, width)
        return self.prepared(key, lambda: inference_plan(self.layers, batch, width, watched=True))

    def run_forward(self, program: Program) -> None:
        """Run a forward pass; if its plan shows its layers, time them and emit their events."""
        if "output.0" not in program.plan.ports:
            program.run()
        elif isinstance(program, ArenaProgram):
            times = program.run_by_layer()
            replace(self.watched_run(program), times=times).emit_forward()
        else:
            program.run()
            self.watched_run(program).emit_forward()

    def tell_backward(self, program: Program, step: int | None = None) -> None:
        """Show the gradients of a backward pass; emit its events, if its plan shows its layers."""
        self.watched_gradients = None
        if "output.0" in program.plan.ports:
            run = self.watched_run(program)
            run = run if step is None else replace(run, mode="step", step=step)
            run.emit_backward()

    def tell_tick(self, program: Program, chosen: Sequence[int], step: int) -> None:
        """Emit the events of a tick of some layers, whose plan shows them."""
        run = self.watched_run(program)
        layers = [watched for watched in run.layers if watched.index in chosen]
        replace(run, layers=layers, mode="step", step=step).emit_forward()

    def watched_run(self, program: Program) -> WatchedRun:
        """Return the values of a watched inference that has just run."""
        layers = list(watched_layers(self.layers, self.observer))
        values = finish(read_values(program))
        return WatchedRun(
            self.place, self.model_id, program.plan, layers, values, summarize=summary_of(program)
        )
