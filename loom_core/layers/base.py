"""What every layer is: settings, weights, and how it lowers itself to ops."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from loom_core.arrays import F32, FloatData, Shape, element_count, to_float32
from loom_core.errors import NonFiniteError, ShapeError, SpecError, kind_of
from loom_core.fields import Fields
from loom_core.graph.builder import GraphBuilder
from loom_core.graph.op import Value
from loom_core.observers.observer import LayerObserver, require_observer
from loom_core.public import public, public_class
from loom_core.random_stream import RandomStream


@public_class
class Layer(ABC):
    """One layer of a network.

    A layer knows no backend: :meth:`lower` says what it computes in ops, and everything else
    (backward, memory, kernels) follows from that. Weights are float32 arrays that the layer owns
    and every plan shares; they are changed in place only.

    Args:
        frozen: Training leaves the weights alone, those of children too.
        disabled: The layer passes its input through.
        children: Layers inside this one.
        skip_from: A place in the chain of layers (0 is the chain's input, k the output of layer
            k - 1) whose value is added to this layer's output, or to its input where
            ``skip_before``. Loom v0.0.7 adds such values unasked; the loader says so here.

    Attributes:
        observer: Is told what the layer and those inside it compute; the network's when None.
        silent: The layer gives no numbers at all, as Loom v0.0.7 has it where a file leaves out
            sizes that it needs (set when such a model is loaded).
    """

    type_name: ClassVar[str]
    """The type string in model JSON."""

    type_aliases: ClassVar[tuple[str, ...]] = ()
    weight_keys: ClassVar[Mapping[str, str | tuple[str, ...]]] = MappingProxyType({})
    """Weight name to its key in the weights of a model string; to several where the weight is
    stored in equal parts along its first axis."""

    running_statistics: ClassVar[frozenset[str]] = frozenset()
    """Weights that are no parameters: training steps move them by what they see, without gradients.
    They are saved, and never an optimizer's."""

    optional_weights: ClassVar[frozenset[str]] = frozenset()
    """Weights that are zero when a model string leaves them out."""

    skip_before: ClassVar[bool] = False
    """Whether a skip connection is added to the input instead of the output."""

    channels_first: ClassVar[bool] = False
    """Whether the units of an output sample lie along its first axis, and not along its last."""

    keeps_width: ClassVar[bool] = True
    """Whether the output has as many numbers as the input, where any number is taken."""

    def __init__(
        self,
        *,
        frozen: bool = False,
        disabled: bool = False,
        children: Sequence[Layer] = (),
        skip_from: int | None = None,
    ) -> None:
        self.frozen = frozen
        self.disabled = disabled
        self.children = tuple(children)
        self.skip_from = skip_from
        self.silent = False
        self.observer: LayerObserver | None = None
        self._weights: dict[str, F32] = {}

    # Sizes

    def complete(self, input_shape: Shape | None) -> None:  # noqa: B027 (most need nothing)
        """Fill sizes that were left out from the shape of one input sample, if it is known.

        Raises:
            ShapeError: A size is missing and cannot be inferred, or cannot be right.
        """

    @abstractmethod
    def output_shape(self, input_shape: Shape | None) -> Shape | None:
        """Return the shape of one output sample; None where it cannot be known.

        Raises:
            ShapeError: An input of that shape does not fit.
        """

    def input_features(self) -> int | None:
        """Return how many numbers one input sample holds; None: any number, and it is kept."""
        return None

    # Weights

    def weight_shapes(self) -> dict[str, Shape]:
        """Return the shape of each weight of its own, in the order in which they are stored."""
        return {}

    def initial_weights(self, stream: RandomStream) -> dict[str, F32]:
        """Return fresh weights of its own, drawn from the stream."""
        return {}

    @public("GetWeights")
    def copied_weights(self) -> dict[str, F32]:
        """Return copies of the weights by name.

        While a training changes them on a GPU these are the ones that came back last: GetLayer
        brings the present ones.
        """
        return {name: array.copy() for name, array in self._weights.items()}

    @property
    def weights(self) -> Mapping[str, F32]:
        """The weights by name: live arrays, to be changed in place (or by set_weights)."""
        return MappingProxyType(self._weights)

    def initialize(self, seed: int, *path: int, missing_only: bool = False) -> None:
        """Draw fresh weights, in place where they exist already.

        A layer without sizes, which may be disabled, has none to draw.

        Args:
            seed: The network's.
            path: This layer's index, after those of its parents.
            missing_only: Leave layers alone that have their weights.
        """
        shapes = self.weight_shapes()
        complete = self._weights.keys() == shapes.keys()
        if shapes and not (missing_only and complete):
            self.set_weights(self.initial_weights(RandomStream(seed, *path)))
        for number, child in enumerate(self.children):
            child.initialize(seed, *path, number, missing_only=missing_only)

    def flags(self) -> tuple[object, ...]:
        """Return everything that may be switched at any time and changes what a plan does."""
        return (
            self.disabled,
            self.frozen,
            self.silent,
            *(child.flags() for child in self.children),
        )

    def trained_weights(self) -> Iterator[tuple[Layer, str]]:
        """Yield what gradients change: (layer, weight name), children included."""
        if self.frozen or self.disabled or self.silent:
            return
        yield from ((self, name) for name in self._weights if name not in self.running_statistics)
        for child in self.children:
            yield from child.trained_weights()

    def adopt_stored(self, lengths: Mapping[str, int]) -> None:  # noqa: B027 (most need nothing)
        """Take settings that a file implies by the lengths of its weights, by weight name."""

    @public("SetWeights")
    def set_weights(self, weights: Mapping[str, FloatData]) -> None:
        """Copy values into the weights; nothing changes when any of them is wrong.

        Args:
            weights: Finite values by weight name, in any shape of the right size; weights that are
                left out stay.

        Raises:
            SpecError: An unknown weight name, or values that are not numbers, or not allowed.
            ShapeError: A size that does not fit.
            NonFiniteError: NaN or infinity.
        """
        shapes = self.weight_shapes()
        if not isinstance(weights, Mapping):
            raise SpecError(
                f"the weights of {type(self).__name__} are set by name, got {kind_of(weights)}",
                hint=f"Its weights are {', '.join(shapes) or 'none'}.",
            )
        checked: dict[str, F32] = {}
        for name, data in weights.items():
            if name not in shapes:
                raise SpecError(
                    f"{type(self).__name__} has no weight {name!r}",
                    hint=f"Its weights are {', '.join(shapes) or 'none'}.",
                )
            array = to_float32(data, f"weight {name!r}")
            if array.size != element_count(shapes[name]):
                raise ShapeError(
                    f"weight {name!r} of {type(self).__name__} needs {element_count(shapes[name])} "
                    f"values (shape {shapes[name]}), got {array.size}"
                )
            if not np.isfinite(array).all():
                raise NonFiniteError(f"weight {name!r} holds NaN or infinity")
            checked[name] = array.reshape(shapes[name])
        self.require_allowed(checked)
        for name, array in checked.items():
            held = self._weights.get(name)
            if held is not None and held.shape == array.shape:
                held[...] = array
            else:
                self._weights[name] = np.array(array, np.float32, order="C")

    def require_allowed(self, weights: Mapping[str, F32]) -> None:  # noqa: B027 (most take all)
        """Raise :class:`SpecError` where finite values of the right sizes are not allowed."""

    @public("ParameterCount")
    def parameter_count(self) -> int:
        """Return the number of parameters, children included, from the settings alone.

        Running statistics are none.
        """
        own = sum(
            element_count(shape)
            for name, shape in self.weight_shapes().items()
            if name not in self.running_statistics
        )
        return own + sum(child.parameter_count() for child in self.children)

    def statistics_count(self) -> int:
        """Return the number of running statistics, children included, from the settings alone."""
        own = 0
        if self.running_statistics:
            shapes = self.weight_shapes()
            kept = shapes.keys() & self.running_statistics
            own = sum(element_count(shapes[name]) for name in kept)
        return own + sum(child.statistics_count() for child in self.children)

    # Meaning

    def skip_source(self, index: int) -> int | None:
        """Return which place of the chain is added to this layer, the chain's ``index``-th."""
        return self.skip_from

    @abstractmethod
    def lower(self, graph: GraphBuilder, x: Value) -> Value:
        """Emit the ops of this layer for an input of shape ``(batch, *input_shape)``."""

    def require_batch(self, batch: int) -> None:
        """Raise :class:`ShapeError` where a training step needs more samples; see the function."""
        require_batch(
            self.children, batch, lambda number: child_name("child", number, self.children[number])
        )

    def parameter(self, graph: GraphBuilder, name: str) -> Value:
        """Return the graph value of one of this layer's weights."""
        return graph.parameter(self._weights[name], name)

    @public("SetFrozen")
    def set_frozen(self, frozen: bool) -> None:
        """Let training leave the weights alone, or change them.

        Args:
            frozen: True for training to leave the weights alone, those of layers inside too.
        """
        self.frozen = frozen

    @public("SetDisabled")
    def set_disabled(self, disabled: bool) -> None:
        """Let the layer pass its input through, or work.

        Args:
            disabled: True to let the input through.
        """
        self.disabled = disabled

    @public("SetObserver")
    def set_observer(self, observer: LayerObserver | None) -> None:
        """Let an observer of its own watch this layer, or again the network's.

        Args:
            observer: Who is told from now on; None for the network's observer.

        Raises:
            SpecError: It is no LayerObserver.
        """
        require_observer(observer)
        self.observer = observer

    # Model JSON

    @public("GetSettings")
    def settings(self) -> dict[str, object]:
        """Return the layer's type and settings as they stand in model JSON."""
        flags = {"frozen": self.frozen, "is_disabled": self.disabled, "silent": self.silent}
        set_flags = {key: True for key, value in flags.items() if value}
        return {"type": self.type_name, **self.to_fields(), **set_flags}

    def unknown_to_loom(self) -> str | None:
        """Return what Loom v0.0.7 does not have of this layer, in words; None where it has all.

        Layers inside it are asked themselves.
        """
        return None

    @classmethod
    @abstractmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Make the layer from its settings in model JSON (without weights).

        Every key that the type has is read, whatever the others say: one that nobody has read is
        refused as misspelt.

        Raises:
            SpecError: A field is missing or has a value that is not allowed.
        """

    def skip_fields(self) -> dict[str, Any]:
        """Return the skip connection as it is written to model JSON."""
        return {} if self.skip_from is None else {"skip_from": self.skip_from}

    @abstractmethod
    def to_fields(self) -> dict[str, Any]:
        """Return the settings as they are written to model JSON, without ``type``."""


def child_name(kind: str, index: int, child: Layer) -> str:
    """Return how messages call a child."""
    return f"{kind} {index} {child.type_name}"


def require_batch(layers: Sequence[Layer], batch: int, name: Callable[[int], str]) -> None:
    """Raise :class:`ShapeError` where a layer cannot be trained on that many samples.

    Args:
        layers: Their sizes are complete. Those that training leaves alone are not asked.
        batch: Samples of a step.
        name: Says in a message which layer it is.
    """
    for index, layer in enumerate(layers):
        if not (layer.frozen or layer.disabled or layer.silent):
            try:
                layer.require_batch(batch)
            except ShapeError as error:
                raise error.at(name(index)) from error


def is_bias(name: str) -> bool:
    """Whether a weight of that name is added to something, and no factor."""
    return "bias" in name


def require_layer(value: object, place: str) -> None:
    """Raise :class:`SpecError` where something else is given in a layer's place."""
    if isinstance(value, Layer):
        return
    hint = 'Make one with its sizes, as Dense(8, "tanh") does.'
    if isinstance(value, type) and issubclass(value, Layer):
        hint = f"Call it with its settings: {value.__name__}(...)."
    elif isinstance(value, list | tuple):
        hint = "Sequential makes one layer of a list of layers."
    elif isinstance(value, int):
        hint = f"A layer of that size is Dense({value}); that of the input is input_size={value}."
    found = f"{value!r:.40}" if isinstance(value, str) else kind_of(value)
    raise SpecError(f"{place} must be a layer, got {found}", hint=hint)


def require_layers(layers: Sequence[Layer], what: str) -> Sequence[Layer]:
    """Return layers after checking that there are any, and that they are layers.

    Raises:
        SpecError: There is none, or one is something else.
    """
    if isinstance(layers, str) or not isinstance(layers, Sequence):
        hint = "Put its layers into brackets: [...]."
        raise SpecError(f"{what} takes a list of layers, got {kind_of(layers)}", hint=hint)
    if not layers:
        raise SpecError(f"{what} needs at least one layer")
    for index, layer in enumerate(layers):
        require_layer(layer, f"layer {index} of {what}")
    return layers
