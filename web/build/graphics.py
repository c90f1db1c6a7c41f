"""Finds a graphics adapter for the native WebGPU tests; where apt can, installs a software one."""

import subprocess

from .apt import install_with_apt
from .environment import PYTHON
from .errors import BuildError

ADVICE = "Install a Vulkan driver; Debian's mesa-vulkan-drivers computes on the CPU."

PROBE = "from loom_core.backends.webgpu.wgpu_device import find_adapter; find_adapter()"


def ensure_graphics_adapter() -> None:
    """Install Mesa's drivers when there is no adapter; raise `BuildError` when that fails."""
    if _has_adapter():
        return
    install_with_apt("mesa-vulkan-drivers", "graphics adapter", ADVICE)
    if not _has_adapter():
        raise BuildError(f"no graphics adapter after installing a driver. {ADVICE}")


def _has_adapter() -> bool:
    command = [str(PYTHON), "-c", PROBE]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
