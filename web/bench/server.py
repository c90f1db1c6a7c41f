"""Serves page, built site and installed packages from one origin."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from web.build.folders import DIST
from web.build.serve import FolderHandler, FolderServer

HERE = Path(__file__).resolve().parent


class BenchServer(FolderServer):
    """The benchmark's server, on a free port of this machine.

    Args:
        artifacts: Folder of the training artifacts; it need not exist.
    """

    def __init__(self, artifacts: Path) -> None:
        self.folders = {
            "bench": HERE / "page",
            "site": DIST,
            "packages": HERE / "node_modules",
            "artifacts": artifacts,
        }
        super().__init__(HERE / "page", "127.0.0.1", 0, _Handler)


class _Handler(FolderHandler):
    def translate_path(self, path: str) -> str:
        """Return the file of an address; the first part of it names one of the folders."""
        first, _, rest = unquote(urlsplit(path).path).lstrip("/").partition("/")
        folder = self.server.folders.get(first)  # type: ignore[attr-defined]
        if folder is None:
            return str(HERE / "page" / "no such file")
        self.directory = str(folder)
        return super().translate_path(f"/{rest}")
