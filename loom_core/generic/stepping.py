"""Networks that run tick by tick on tensors of any numeric type."""

from __future__ import annotations

import time

import numpy as np

from loom_core import limits
from loom_core.checks import positive, require_type
from loom_core.errors import SpecError
from loom_core.generic.backend import Backend
from loom_core.generic.network_passes import (
    GenericNetworkGradients,
    generic_backward_pass,
    network_graph,
)
from loom_core.generic.numeric import (
    DTypeName,
    checked_scale,
    compute_dtype,
    numeric_dtype,
    store_numbers,
)
from loom_core.generic.tensor import Tensor
from loom_core.generic.tensor_graph import require_tensor
from loom_core.graph.op import Value
from loom_core.network.network import Network
from loom_core.public import documented_like, public, public_class
from loom_core.stepping.step_state import (
    require_input_size,
    require_layer_count,
    require_place,
)
from loom_core.stepping.tick_graph import lower_tick
from loom_core.stepping.trails import Trails


@public_class
class GenericStepState:
    """The state of a network that runs in ticks, as StepState is, in any numeric type.

    Values stay wide between the layers, as in GenericForwardPass, and are rounded where they are
    given out. The sizes between the layers are known from the first StepForwardGeneric on.

    Args:
        total_layers: Of the network.
        input_size: Numbers in the input, of one sample or of several one after the other.
        dtype: A name, or Loom's code.
        scale: Value of one step of an integer type; 0.01 when left out.

    Raises:
        SpecError: A number or type that is not allowed.
        LimitError: More layers, or a larger input, than the limits allow.
    """

    def __init__(
        self,
        total_layers: int,
        input_size: int,
        dtype: DTypeName | int = "float32",
        scale: float | None = None,
    ) -> None:
        self.dtype = numeric_dtype(dtype)
        self.scale = checked_scale(scale, self.dtype)
        self.total_layers = positive(total_layers, "total_layers")
        size = positive(input_size, "input_size")
        limits.require_within(total_layers, limits.LAYERS, "the number of layers")
        limits.require_within(8 * size, limits.PLAN_BYTES, "memory of a step state's input")
        self.input = Tensor(np.zeros(size, self.dtype), scale=self.scale)
        self.trails: Trails | None = None
        self.step_count = 0

    def begin(self, network: Network) -> Trails:
        """Return the values between the network's layers, laid out at the first call.

        Raises:
            ShapeError: A network of another number of layers, or of another input.
        """
        require_layer_count(self.total_layers, len(network.layers))
        if self.trails is None:
            network.require_weights()
            batch, width = network.split_batch(self.input.array, "the input of the step state")
            self.trails = Trails(network.layers, batch, width, compute_dtype(self.dtype))
            self.trails.start(self.input.values)
        return self.trails

    def tensor(self, place: int) -> Tensor:
        """Return the value at a place."""
        if self.trails is None:
            raise SpecError(
                "the step state has no values yet", hint="Call StepForwardGeneric first."
            )
        require_place(place, self.trails)
        stored = store_numbers(self.trails.value(place), self.dtype, self.scale)
        return Tensor(np.array(stored), scale=self.scale)

    @public("SetInput")
    def set_input(self, input: Tensor) -> None:
        """Set what the first layer reads from the next tick on; it stays until it is set again.

        Args:
            input: As many numbers as the state was made for, of its type.

        Raises:
            SpecError: No tensor, or one of another type.
            ShapeError: Another number of elements than the state was made for.
        """
        tensor = require_tensor(input, "the input", "SetInput")
        if tensor.data.dtype != self.dtype:
            raise SpecError(f"the input is {tensor.dtype}, the step state {self.dtype.name}")
        require_input_size(tensor.size(), self.input.size())
        self.input = tensor.clone()
        if self.trails is not None:
            self.trails.start(self.input.values)

    @public("GetOutput")
    def get_output(self) -> Tensor:
        """Return what the last layer gave, (B, ...).

        Raises:
            SpecError: There was no tick yet.
        """
        return self.tensor(self.total_layers)

    @public("GetLayerOutput")
    def get_layer_output(self, layer_idx: int) -> Tensor:
        """Return the value at a place, (B, ...).

        Args:
            layer_idx: 0 for the input, k for the output of layer k - 1.

        Raises:
            SpecError: There is no such place, or there was no tick yet.
        """
        return self.tensor(layer_idx)

    @public("GetStepCount")
    def get_step_count(self) -> int:
        """Return how many ticks StepForwardGeneric has made."""
        return self.step_count


@public("NewGenericStepState")
def new_generic_step_state(
    total_layers: int,
    input_size: int,
    dtype: DTypeName | int = "float32",
    scale: float | None = None,
) -> GenericStepState:
    """Return the state of a network in which nothing has happened yet.

    The parameters are those of :class:`GenericStepState`.

    Raises:
        SpecError, LimitError: See :class:`GenericStepState`.
    """
    return GenericStepState(total_layers, input_size, dtype, scale)


@public("StepForwardGeneric")
def step_forward_generic(
    network: Network, state: GenericStepState, backend: Backend | None = None
) -> float:
    """Run one tick: every layer reads its input, then all outputs change together.

    After as many ticks as there are layers the output is that of GenericForwardPass.

    Args:
        network: Any; weights that it lacks are drawn.
        state: From NewGenericStepState, for as many layers.
        backend: What runs it, of the state's type; NumPy when left out.

    Returns:
        Seconds.

    Raises:
        SpecError: A backend of another type.
        ShapeError: The state is one of another network.
    """
    start = time.perf_counter()
    _require_state(state, "StepForwardGeneric")
    with network_graph("StepForwardGeneric", network, state.input, backend) as graph:
        trails = state.begin(network)

        def read(index: int, place: int) -> Value:
            return graph.write(trails.earlier(index, place), trails.shapes[place])

        layers = network.layers
        found = lower_tick(graph.builder, layers, trails.shapes, range(len(layers)), read)
        made = dict(zip(found, graph.arrays(*found.values()), strict=True))
    trails.follow([(k, made.get(k, trails.value(k))) for k in range(len(layers))])
    state.step_count += 1
    return time.perf_counter() - start


@public("StepBackwardGeneric")
@documented_like(step_forward_generic)
def step_backward_generic(
    network: Network, state: GenericStepState, grad_output: Tensor
) -> GenericNetworkGradients:
    """Return the gradients for the input that the present output came from.

    They are those of GenericBackwardPass for that input. Before the first input has come through,
    after as many ticks as there are layers, the output depends on no input and they are zero. The
    other parameters are those of :func:`step_forward_generic`.

    Args:
        grad_output: Gradient of the loss with respect to GetOutput, (B * O).

    Raises:
        SpecError: See :func:`~loom_core.generic.network_passes.generic_backward_pass`.
        ShapeError: ``grad_output`` has another size than the output, or the state is one of
            another network.
    """
    where = "StepBackwardGeneric"
    _require_state(state, where)
    gradient = require_tensor(grad_output, "gradOutput", where)
    trails = state.begin(require_type(network, Network, "network", where))
    origin = trails.origin()
    if origin is None:  # linear in the gradient: that of nothing is zero, in the right shapes
        origin = np.zeros(trails.shapes[0], trails.dtype)
        gradient = Tensor(np.zeros_like(gradient.array), scale=gradient.scale)
    stored = store_numbers(origin, state.dtype, state.scale)
    return generic_backward_pass(network, gradient, [Tensor(stored, scale=state.scale)])


def _require_state(state: GenericStepState, where: str) -> None:
    require_type(state, GenericStepState, "state", where, "Make one with NewGenericStepState.")
