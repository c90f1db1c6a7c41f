"""Finds the Chromium that the browser tests use, or installs it where apt can."""

import os
import shutil
from pathlib import Path

from .apt import install_with_apt
from .errors import BuildError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ON_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
GPU = ["--enable-unsafe-webgpu", "--enable-features=Vulkan"]
"""Arguments for WebGPU on the machine's own adapter."""

SOFTWARE_GPU = [*GPU, "--use-webgpu-adapter=swiftshader"]
"""The same on Chromium's own adapter on the CPU: alike everywhere, and no measure of a card."""

ADVICE = "Install Chromium or Chrome, or name one in the environment variable CHROMIUM."


def find_chromium() -> str | None:
    """Return the path of the browser named by ``CHROMIUM`` or found on this machine, if any.

    Raises `BuildError` when ``CHROMIUM`` names a file that is not there.
    """
    if chosen := os.environ.get("CHROMIUM"):
        if not Path(chosen).is_file():
            raise BuildError(f"CHROMIUM names {chosen!r}, which is no file. {ADVICE}")
        return chosen
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or (str(ON_MACOS) if ON_MACOS.is_file() else None)


def ensure_chromium() -> str:
    """Return the path of a browser, installing Debian's package when there is none."""
    if (found := find_chromium()) is not None:
        return found
    install_with_apt("chromium", "Chromium", ADVICE)
    if (found := find_chromium()) is None:
        raise BuildError(f"no Chromium on the PATH after installing it. {ADVICE}")
    return found
