"""Which backend runs a network: asked for by name, used or refused, and reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from loom_core.backends.base import Backend, Program
from loom_core.backends.numpy_backend import NumpyBackend
from loom_core.backends.webgpu_backend import WebGpuBackend, open_backend
from loom_core.cooperative import finish
from loom_core.errors import BackendError, SpecError
from loom_core.public import result_record

if TYPE_CHECKING:
    from loom_core.backends.simd_backend import SimdBackend

BackendName: TypeAlias = Literal["auto", "simd", "numpy", "webgpu"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend, what was asked for, and why it is this one."""

    asked: str
    backend: Backend
    reason: str


@result_record
@dataclass(frozen=True)
class BackendReport:
    """What runs a network. The layers as functions of tensors run on NumPy, whatever this says.

    Args:
        asked: The name that was asked for.
        used: ``"simd"``, ``"numpy"``, ``"webgpu"`` or the name of a backend of the caller's own.
        variant: Instruction set of the kernels, ``"relaxed-simd"``, ``"simd128"`` or ``"native"``;
            of WebGPU ``"hardware"``, or ``"software"`` where it computes on a CPU.
        reason: Why this one.
        fallbacks: Ops that run by their NumPy definition inside the backend, with the number of
            nodes in the plans that the network keeps now.
        device: What the graphics driver calls itself, for WebGPU.
        transfers: Reads from the device to the host so far, of all networks.
        transferred_bytes: Bytes of all these reads.
        device_bytes: Memory in use on the device, of all networks.
        measured: For ``"auto"`` with a GPU: how long training steps take here and there, in words,
            and which of both is taken.
        trained_on: Backend of the last training, by its end if it was another before; empty where
            there was none yet.
    """

    asked: str
    used: str
    variant: str
    reason: str
    fallbacks: dict[str, int]
    device: str = ""
    transfers: int = 0
    transferred_bytes: int = 0
    device_bytes: int = 0
    measured: list[str] = field(default_factory=list)
    trained_on: str = ""


def choose(asked: BackendName | Backend) -> Choice:
    """Return the backend of a name, or a backend as it is.

    ``"auto"`` takes the SIMD kernels where they load and NumPy elsewhere.

    Raises:
        SpecError: There is no backend of that name.
        BackendError: ``"simd"`` or ``"webgpu"`` is asked for and cannot run here.
    """
    if not isinstance(asked, str):
        return Choice(asked.name, asked, "it was given")
    if asked == "numpy":
        return Choice(asked, NumpyBackend(), "it was asked for")
    if asked == "webgpu":
        return Choice(asked, finish(open_backend()), "it was asked for")
    if asked not in ("auto", "simd"):
        known = 'Use "auto", "simd", "numpy" or "webgpu".'
        raise SpecError(f"there is no backend {asked!r}", hint=known)
    found = _simd()
    if not isinstance(found, BackendError):
        why = "it was asked for" if asked == "simd" else "the SIMD kernels run here"
        if found.library.instead_of:
            why = f"{why}; {found.library.instead_of}"
        return Choice(asked, found, why)
    if asked == "simd":
        raise found.at("backend simd")
    return Choice(asked, NumpyBackend(), str(found))


def get(name: BackendName) -> Backend:
    """Return the backend of a name; see :func:`choose`."""
    return choose(name).backend


@cache
def _simd() -> SimdBackend | BackendError:
    """Return the one SIMD backend of this process, or why there is none; decided once."""
    from loom_core.backends.simd_backend import SimdBackend

    try:
        return SimdBackend()
    except BackendError as error:
        return error.with_traceback(None)  # which would keep the caller's network alive


def report(
    choice: Choice,
    programs: Iterable[Program],
    gpu: WebGpuBackend | None = None,
    trained_on: str = "",
) -> BackendReport:
    """Return what runs, with the ops that fall back in some programs.

    Args:
        choice: The network's backend.
        programs: Its programs.
        gpu: The GPU it has besides.
        trained_on: Where its last training ran.
    """
    fallbacks: Counter[str] = Counter()
    for program in programs:
        fallbacks.update(getattr(program, "fallbacks", {}))
    backend = choice.backend
    variant = getattr(backend, "variant", "")
    found = BackendReport(
        choice.asked, backend.name, variant, choice.reason, dict(fallbacks), trained_on=trained_on
    )
    gpu = backend if isinstance(backend, WebGpuBackend) else gpu
    if gpu is None:
        return found
    return replace(
        found,
        device=gpu.device.name,
        transfers=gpu.device.transfers,
        transferred_bytes=gpu.device.transferred_bytes,
        device_bytes=gpu.device.memory_bytes,
        measured=[measurement.sentence() for measurement in gpu.measured.values()],
    )
