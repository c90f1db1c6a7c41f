"""Installs a Debian package that the tests need, where that is possible."""

import os
import shutil
import subprocess

from .errors import BuildError


def install_with_apt(package: str, what: str, advice: str) -> None:
    """Install a package as root, or raise `BuildError` with advice on what to do by hand.

    ``what`` names in messages what is missing.
    """
    if shutil.which("apt-get") is None:
        raise BuildError(f"no {what} was found, and there is no apt-get here. {advice}")
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if as_root and shutil.which("sudo") is None:
        raise BuildError(f"no {what} was found, and installing it needs root. {advice}")
    print(f"installing {what} with apt-get", flush=True)
    install = ["install", "--yes", "--no-install-recommends", package]
    for arguments in (["update"], install):
        command = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *arguments]
        if subprocess.run([*command, "--quiet"], check=False).returncode != 0:
            raise BuildError(f"{' '.join(command)} failed, see above. {advice}")
