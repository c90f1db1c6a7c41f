"""Which kernel an op has: the encoders of all files in ``kernels/``, by the op's name."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from loom_core.backends.missing_kernels import MISSING_KERNELS
from loom_core.backends.webgpu import kernels
from loom_core.backends.webgpu.dispatch import MOST_WORKGROUPS, Adapter, Encoder, Kernel
from loom_core.errors import BackendError
from loom_core.graph.op import Node


@cache
def encoders() -> dict[str, Encoder]:
    """Return the encoder of each op that has one."""
    import pkgutil  # not at every start: most networks never see a GPU

    table: dict[str, Encoder] = {}
    for module in sorted(pkgutil.iter_modules(kernels.__path__), key=lambda found: found.name):
        family: dict[str, Encoder] | None = getattr(
            import_module(f"{kernels.__name__}.{module.name}"), "ENCODERS", None
        )
        for name, encoder in (family or {}).items():
            if name in table:
                raise TypeError(f"internal: two kernel files have an encoder of {name}")
            table[name] = encoder
    return table


def kernel_of(node: Node, adapter: Adapter) -> Kernel:
    """Return what a node asks of the device.

    Raises:
        BackendError: The op has no kernel, or the node is too large for a dispatch.
    """
    name = node.op.name
    encoder = encoders().get(name)
    if encoder is None:
        why = MISSING_KERNELS.get(name, {}).get("webgpu")
        raise BackendError(
            f"WebGPU has no kernel for {name}" + (f": {why}" if why else ""),
            hint='Use a CPU: backend="auto", "simd" or "numpy", and use_gpu=False in a training.',
        )
    inputs, outputs = [x.shape for x in node.inputs], [y.shape for y in node.outputs]
    kernel = encoder(inputs, outputs, node.attributes, adapter)
    most = adapter.limits.get("maxComputeWorkgroupsPerDimension", MOST_WORKGROUPS)
    for dispatch in kernel.dispatches:
        if max(dispatch.workgroups) > most:
            raise BackendError(
                f"{name} of {inputs} needs {dispatch.workgroups} workgroups, and this GPU allows "
                f"{most:,} in one direction",
                hint="Use a smaller batch or layer.",
            )
    return kernel
