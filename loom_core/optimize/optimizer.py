"""What every optimizer is: settings, state beside each weight, and how it emits its update."""

from __future__ import annotations

import inspect
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from loom_core.arrays import F32
from loom_core.checks import finite_number
from loom_core.errors import ModelFormatError, ShapeError, SpecError, kind_of
from loom_core.graph.op import Value
from loom_core.graph.ops.updates import HYPER
from loom_core.model_io.base64_text import encode_base64
from loom_core.optimize.optimizer_state import (
    Moments,
    OptimizerState,
    read_count,
    read_moments,
    require_fitting,
)
from loom_core.optimize.trained_weights import TrainedWeight
from loom_core.optimize.weight_update import StepNumbers, WeightUpdate
from loom_core.public import public, public_class, stands_for


@stands_for("Network")
class Learner(Protocol):
    """What an optimizer asks of a network: to go one step by the gradients that it has."""

    def step_by(self, optimizer: Optimizer, learning_rate: float) -> None:
        """Change the weights; see :meth:`Optimizer.step`."""


@public_class
class Optimizer(ABC):
    """How weights follow their gradients, with the memory that this needs.

    State (running means of gradients) is kept by the place of a weight: layer index, numbers of
    children, weight name. It lies in arrays like the weights themselves; all plans share them and
    change them in place. An optimizer belongs to one network.

    Args:
        weight_decay: Pull towards zero on matrices and kernels, not on biases and norm gains.

    Attributes:
        steps_done: Updates so far.
        halted: (1,) not 0 once a step was refused because loss or gradients were not finite.
    """

    type_name: ClassVar[str]
    """In configs and states."""

    aliases: ClassVar[Mapping[str, Mapping[str, float]]] = {}
    """Other names in configs, each with the settings that it stands for."""

    squares: ClassVar[frozenset[str]] = frozenset()
    """Those of the states that are sums or means of squares: never negative."""

    setting_names: ClassVar[tuple[str, ...]] = ()
    """The constructor's parameters, which are attributes too."""

    def __init_subclass__(cls) -> None:
        cls.setting_names = tuple(inspect.signature(cls.__init__).parameters)[1:]

    def __init__(self, weight_decay: float = 0.0) -> None:
        self.weight_decay = finite_number(weight_decay, "weight_decay")
        self.steps_done = 0
        self.halted = np.zeros(1, np.float32)
        self._state: Moments = {}
        self._network: weakref.ref[object] | None = None

    def serve(self, network: object) -> None:
        """Go on for a network: the one of the last updates, if these have left any state.

        Raises:
            SpecError: The state is that of another network, which is still there.
        """
        last = self._network() if self._network is not None else None
        other = last is not None and last is not network
        if other and self.steps_done and self.state_names:
            raise SpecError(
                f"this {self.label} optimizer holds the running means of another network",
                hint="Give each network an optimizer of its own, or Reset this one first.",
            )
        self._network = weakref.ref(network)

    # What each optimizer says of itself

    @property
    @abstractmethod
    def label(self) -> str:
        """The name for readers."""

    @property
    @abstractmethod
    def state_names(self) -> tuple[str, ...]:
        """What is kept beside each weight, in arrays of its shape that begin at 0."""

    @abstractmethod
    def emit_update(self, update: WeightUpdate) -> None:
        """Emit the update of one weight: out of ops, or as one that does it all.

        What is emitted may depend on settings, as these are part of :meth:`plan_key`.
        """

    @abstractmethod
    def fill_hyper(self, columns: Mapping[str, F32], steps: NDArray[np.float64]) -> None:
        """Write the numbers of steps (counted from 1) into columns named as in HYPER."""

    # In plans

    def emit(self, step: StepNumbers, weight: TrainedWeight, dw: Value) -> None:
        """Emit the update of one weight by its gradient ``dw``.

        Raises:
            ShapeError: The state was loaded for a weight of another size.
        """
        graph, names = step.graph, self.state_names
        held = self._state_of(weight, names)
        states = [graph.parameter(held[name], name) for name in names]
        w = graph.parameter(weight.array, weight.name)
        decay = self.weight_decay != 0 and weight.decays
        self.emit_update(WeightUpdate(step, w, dw, states, decay))

    def plan_key(self) -> tuple[object, ...]:
        """Return what a plan with this optimizer's updates depends on."""
        return (self, *(getattr(self, name) for name in self.setting_names))

    def hyper(self, step: int, rate: float) -> F32:
        """Return the numbers of one step, (8,); steps are counted from 1."""
        return self.hyper_rows(step, np.array([rate])).reshape(-1)

    def hyper_rows(self, first: int, rates: NDArray[np.float64]) -> F32:
        """Return the numbers of steps ``first``, ``first + 1``, ... with a rate each, (n, 8)."""
        rows = np.zeros((len(rates), len(HYPER)), np.float32)
        columns = {name: rows[:, at] for at, name in enumerate(HYPER)}
        columns["rate"][:] = rates
        columns["decay"][:] = self.weight_decay
        self.fill_hyper(columns, np.arange(first, first + len(rates), dtype=np.float64))
        return rows

    def needed_bytes(self, weights: Iterable[TrainedWeight]) -> int:
        """Return the bytes of the state beside some weights, there already or not."""
        return len(self.state_names) * sum(weight.array.nbytes for weight in weights)

    @property
    def nbytes(self) -> int:
        """Bytes of the state that is there."""
        return sum(array.nbytes for held in self._state.values() for array in held.values())

    def require_fitting(self, weights: Iterable[TrainedWeight]) -> None:
        """Raise :class:`ShapeError` where state was loaded for a weight of another size."""
        require_fitting(self.label, self._state, weights)

    def _state_of(self, weight: TrainedWeight, names: Iterable[str]) -> dict[str, F32]:
        self.require_fitting([weight])
        held = self._state.setdefault(weight.place, {})
        for name in names:
            array = held.get(name)
            if array is None or array.size != weight.array.size:
                held[name] = np.zeros_like(weight.array)
            elif array.shape != weight.array.shape:
                held[name] = array.reshape(weight.array.shape)
        return held

    # By public name

    @public("Name")
    def name(self) -> str:
        """Return the name, ``"SGD (momentum)"`` for example."""
        return self.label

    @public("Step")
    def step(self, network: Learner, learning_rate: float) -> None:
        """Change the weights by the gradients that BackwardCPU has left; see ApplyGradients.

        Args:
            network: Whose weights are changed.
            learning_rate: Finite, at least 0.

        Raises:
            BusyError: The network is training.
            SpecError: There was no backward pass, or the rate is not allowed.
            NonFiniteError: A gradient is NaN or infinite; nothing has changed.
        """
        network.step_by(self, learning_rate)

    @public("Reset")
    def reset(self) -> None:
        """Forget all state, as if no step had been done; settings stay.

        It has to be done where layers have been replaced by others of other sizes.
        """
        self.steps_done = 0
        self._network = None
        self.halted.fill(0)
        for arrays in self._state.values():
            for array in arrays.values():
                array.fill(0)

    def settings(self) -> dict[str, Any]:
        """Return type and settings, without state."""
        return {"type": self.type_name} | {name: getattr(self, name) for name in self.setting_names}

    @public("GetState")
    def get_state(self) -> dict[str, object]:
        """Return settings and state as plain data, for LoadState or JSON.

        Returns:
            ``type`` and the settings, ``step`` (updates so far), and ``moments``: for each place of
            a weight its running means by name, as base64 of little-endian float32.
        """
        moments = {
            place: {
                name: encode_base64(array.astype("<f4").tobytes()) for name, array in held.items()
            }
            for place, held in self._state.items()
        }
        return {**self.settings(), "step": self.steps_done, "moments": moments}

    @public("LoadState")
    def load_state(self, state: Mapping[str, object]) -> None:
        """Take over settings and state from GetState, in memory or back from JSON.

        Args:
            state: ``type``, settings, ``step`` and ``moments``, as GetState returned them.

        Raises:
            SpecError: It is of another type of optimizer, or a setting is not allowed.
            ModelFormatError: Something is missing or not readable.
            ShapeError: State in use is of another size. Nothing has changed in any of these cases.
            NonFiniteError: A running mean is NaN or infinite.
        """
        self.take_state(self.read_state(state))

    def read_state(self, state: object) -> OptimizerState:
        """Return a state of this type of optimizer from plain data.

        Raises:
            SpecError, ModelFormatError, NonFiniteError: See :meth:`load_state`.
        """
        if not isinstance(state, Mapping):
            raise ModelFormatError(
                f"the state of an optimizer must be an object, got {kind_of(state)}"
            )
        self.require_type(state.get("type"))
        missing = [name for name in self.setting_names if name not in state]
        if missing:
            raise ModelFormatError(f"the optimizer's state lacks {', '.join(missing)}")
        settings: dict[str, Any] = {name: state[name] for name in self.setting_names}
        other = type(self)(**settings)
        steps = read_count(state.get("step", 0), "step of the optimizer's state")
        if steps and "moments" not in state:
            raise ModelFormatError("the optimizer's state has a step but no moments")
        moments = read_moments(state.get("moments", {}), other.state_names, self.squares)
        checked = {name: getattr(other, name) for name in self.setting_names}
        return OptimizerState(self.type_name, other.label, checked, steps, moments)

    def require_type(self, type_name: object) -> None:
        """Raise :class:`SpecError` where a state is of another type of optimizer."""
        if type_name != self.type_name:
            raise SpecError(
                f"this is the state of an optimizer of type {str(type_name)[:40]!r}, "
                f"not of {self.type_name!r}"
            )

    def take_state(self, state: OptimizerState) -> None:
        """Take over settings and state; nothing has changed when this raises.

        Raises:
            SpecError: It is of another type of optimizer.
            ShapeError: State in use is of another size.
        """
        self.require_type(state.type_name)
        for place, arrays in state.moments.items():
            for name, array in arrays.items():
                held = self._state.get(place, {}).get(name)
                if held is not None and held.size != array.size:
                    raise ShapeError(
                        f"the state of weight {place[:40]}, {name} has {array.size} numbers, "
                        f"the weight {held.size}"
                    )
        for name, value in state.settings.items():
            setattr(self, name, value)
        self.reset()
        self.steps_done = state.steps
        names = self.state_names
        for kept in self._state.values():
            for name in kept.keys() - set(names):
                del kept[name]
        for place, arrays in state.moments.items():
            kept = self._state.setdefault(place, {})
            for name, array in arrays.items():
                if name in kept:
                    kept[name].reshape(-1)[:] = array
                else:
                    kept[name] = array
