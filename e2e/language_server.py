"""What an editor shows of a TypeScript program, asked of the compiler's language server."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from web.build.environment import node_tool
from web.build.folders import NODE_MODULES


class LanguageServer:
    """A server that has opened one file.

    Args:
        process: The server, which speaks on its standard input and output.
        file: Where the program would lie; its imports are found from there.
        program: Its text.
    """

    def __init__(self, process: subprocess.Popen[bytes], file: Path, program: str) -> None:
        self._process = process
        self._program = program
        self._document = {"uri": file.as_uri()}
        self._asked = 0
        self._ask("initialize", processId=None, rootUri=file.parent.as_uri(), capabilities={})
        self._post(method="initialized", params={})
        opened = {**self._document, "languageId": "typescript", "version": 1, "text": program}
        self._post(method="textDocument/didOpen", params={"textDocument": opened})

    def hover(self, text: str) -> str:
        """Return what is shown over the last letter of the only place with this text."""
        assert self._program.count(text) == 1, f"{text!r} does not stand in the program once"
        *lines, line = (self._program.partition(text)[0] + text).split("\n")
        position = {"line": len(lines), "character": len(line) - 1}
        shown = self._ask("textDocument/hover", textDocument=self._document, position=position)
        return str(shown["contents"]["value"])

    def _ask(self, method: str, **params: Any) -> Any:
        self._asked += 1
        self._post(id=self._asked, method=method, params=params)
        while True:
            message = self._receive()
            if "method" not in message and message.get("id") == self._asked:
                return message["result"]
            if "method" in message and "id" in message:  # the server asks; nothing is set here
                items = message["params"].get("items", [])
                self._post(id=message["id"], result=[None for _ in items])

    def _post(self, **message: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout
        headers: dict[bytes, bytes] = {}
        while header := self._process.stdout.readline().strip():
            name, _, value = header.partition(b":")
            headers[name.lower()] = value
        received: dict[str, Any] = json.loads(
            self._process.stdout.read(int(headers[b"content-length"]))
        )
        return received


@contextmanager
def language_server(file: Path, program: str) -> Iterator[LanguageServer]:
    """Start a server with a program that need not lie on the disk."""
    compiler = NODE_MODULES / "typescript" / "bin" / "tsc"
    command = node_tool(compiler, "--lsp", "--stdio")
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
    try:
        yield LanguageServer(process, file, program)
    finally:
        process.kill()
        process.communicate()
