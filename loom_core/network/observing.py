"""What a network tells of itself."""

from __future__ import annotations

from loom_core.checks import positive
from loom_core.json_records import to_json
from loom_core.observers.observer import LayerObserver, require_observer
from loom_core.public import public
from loom_core.running import NetworkGrid
from loom_core.telemetry.blueprint import blueprint_of, extract_model
from loom_core.telemetry.blueprint_text import blueprint_text
from loom_core.telemetry.live_telemetry import live_telemetry, of_present_layers
from loom_core.telemetry.telemetry_records import NetworkBlueprint, Telemetry
from loom_core.watch.layer_events import WatchedRun


class Observing(NetworkGrid):
    """Methods that show what a network is made of and what it computes."""

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
        self.require_weights()
        shown = of_present_layers(self, self.watched_activations) or self._last_forward_run()
        return live_telemetry(self, shown, of_present_layers(self, self.watched_gradients))

    def _last_forward_run(self) -> WatchedRun | None:
        """Return a run for the input of the last ForwardCPU; None before the first."""
        if self.last_forward is None:
            return None
        x = self.last_forward.read("input")
        program = self.watched_inference(*x.shape)
        if program is not self.last_forward:
            program.write("input", x)
            program.run()
        return self.watched_run(program)

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
