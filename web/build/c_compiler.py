"""Finds the C compiler that tests the kernels natively, or installs it where apt can."""

import shutil

from .apt import install_with_apt
from .errors import BuildError

ADVICE = "Install gcc with its address sanitizer (Debian's build-essential)."


def ensure_gcc() -> None:
    """Install Debian's compiler when there is none; raise `BuildError` when that fails."""
    if shutil.which("gcc") is not None:
        return
    install_with_apt("build-essential", "C compiler", ADVICE)
    if shutil.which("gcc") is None:
        raise BuildError(f"no gcc on the PATH after installing it. {ADVICE}")
