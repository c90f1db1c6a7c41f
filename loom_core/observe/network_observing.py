"""What a network tells of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loom_core.arrays import Shape
from loom_core.backends.arena import ArenaProgram
from loom_core.backends.base import Backend, Program
from loom_core.json_records import to_json
from loom_core.layers.base import positive
from loom_core.observe.blueprint import blueprint_of, extract_model
from loom_core.observe.blueprint_text import blueprint_text
from loom_core.observe.live_telemetry import live_telemetry
from loom_core.observe.telemetry_records import NetworkBlueprint, Telemetry
from loom_core.observers.observer import LayerObserver, require_observer
from loom_core.optimize.step_graph import inference_plan
from loom_core.public import finish, public
from loom_core.running import NetworkGrid
from loom_core.watch.layer_events import WatchedRun, read_values, summary_of
from loom_core.watch.watched_layers import anyone_listens, watched_layers


class Observing(NetworkGrid):
    """Methods that show what a network is made of and what it computes."""

    observer: LayerObserver | None = None
    observe_every: int = 1
    watched_activations: WatchedRun | None = None
    """The last watched step of the last training, unless a forward pass came later."""
    watched_gradients: WatchedRun | None = None
    """The same, unless a backward pass came later."""

    @public("GetBlueprint")
    def get_blueprint(self) -> NetworkBlueprint:
        """Return the layers with their places, shapes and parameters, and the memory needed.

        Raises:
            ShapeError, LimitError: The layers do not fit together, or need too much.
        """
        return blueprint_of([extract_model(self, self.model_id)])

    @public("GetBlueprintJSON")
    def get_blueprint_json(self) -> str:
        """Return the blueprint as JSON under the documented keys; see GetBlueprint."""
        return to_json(self.get_blueprint(), indent=2)

    @public("GetBlueprintText")
    def get_blueprint_text(self) -> str:
        """Return the blueprint as a table for people; see GetBlueprint."""
        return blueprint_text(extract_model(self, self.model_id))

    @public("GetTelemetry")
    def get_telemetry(self) -> Telemetry:
        """Return norms of weights and gradients, ranges of activations, and memory.

        Activations are those of the last step that was watched of the last training, gradients
        too. Where ForwardCPU came later, or nothing of that training was watched, activations are
        computed for the input of the last ForwardCPU, with the weights as they are now; likewise
        gradients are what BackwardCPU has left.

        Raises:
            ShapeError, LimitError: The layers do not fit together, or need too much.
            BusyError: The weights are on a GPU, and this call cannot wait for them.
        """
        self.programs.require_settled()
        return live_telemetry(self)

    @public("SetObserver")
    def set_observer(self, observer: LayerObserver | None, every_n: int = 1) -> None:
        """Let an observer watch all layers, and the training; None ends it.

        A layer with an observer of its own tells that one instead. While nobody listens, nothing
        is measured and nothing is slower.

        Args:
            observer: Is told of ForwardCPU, BackwardCPU and Train; see LayerObserver. While a
                training runs, only its own steps are watched.
            every_n: Steps of a training from one that is watched to the next; the first is.

        Raises:
            SpecError: It is no LayerObserver, or ``every_n`` is below 1.
        """
        require_observer(observer)
        self.observe_every = positive(every_n, "every_n")
        self.observer = observer

    def listening(self, step: int = 0) -> bool:
        """Return whether anyone watches the network or a layer, in a training at that step."""
        if self.observer is None and not anyone_listens(self.layers):
            return False
        return not (self.control.running and step % self.observe_every)

    def note_watched_step(self, run: WatchedRun | None) -> None:
        """Take a step of a training for what is shown; None where a training begins."""
        self.watched_activations = self.watched_gradients = run

    def forward_program(self, shape: Shape) -> Program:
        """Return what ForwardCPU runs, and show that from now on."""
        self.watched_activations = None
        return super().forward_program(shape)

    def program(self, batch: int, width: int, backend: Backend | None = None) -> Program:
        """Return the prepared plan of an inference, which shows its layers while one listens."""
        if backend is None and not self.control.running and self.listening():
            return self.watched_inference(batch, width)
        return super().program(batch, width, backend)

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
        return WatchedRun(self, program.plan, layers, values, summarize=summary_of(program))
