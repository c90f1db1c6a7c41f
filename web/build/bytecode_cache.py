"""Archives compiled to bytecode, kept as long as their inputs stay the same."""

import json
from dataclasses import asdict
from pathlib import Path

from .bytecode import Rules
from .cache import cached, combined_key, sha256
from .environment import node_tool, run
from .folders import BUILD, PYODIDE


def compiled_archive(source: Path, target_name: str, rules: Rules) -> Path:
    """Return ``source`` compiled to bytecode by Pyodide under Node, see `bytecode.py`."""
    compiler = [BUILD / "bytecode.py", BUILD / "bytecode.mjs", PYODIDE / "package.json"]
    rules_text = json.dumps(asdict(rules))
    key = combined_key([sha256(source), rules_text, *map(sha256, compiler)])

    def make(target: Path) -> None:
        print(f"compiling {target_name} to bytecode", flush=True)
        run(
            node_tool(BUILD / "bytecode.mjs", source, target, rules_text),
            f"compiling {source.name}",
        )

    return cached(target_name, key, make)
