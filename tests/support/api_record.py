"""A description of the public names, written down compactly, and what a later one breaks of it.

    python -m tests.support.api_record < web/src/generated/description.json

prints the record of a description: a type is named by its short text, and documentation left out.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from loom_core.introspection import type_text

Record = dict[str, Any]
Type = dict[str, Any]


def record_of(description: Record) -> Record:
    """Return the record of a description."""
    types: dict[str, Type] = {}

    def name_of(type_: Type) -> str:
        text = type_text(type_)
        assert types.setdefault(text, type_) == type_, f"two types have the text {text}"
        return text

    def slots(described: list[Record]) -> Record:
        """Return parameters or fields: the type, and the default of what may be left out."""
        return {
            slot["name"]: [name_of(slot["type"]), *([slot["default"]] if slot["optional"] else [])]
            for slot in described
        }

    def callables(described: list[Record]) -> Record:
        return {
            c["name"]: {
                "parameters": slots(c["parameters"]),
                "returns": name_of(c["returns"]),
                **({"cooperative": True} if c["cooperative"] else {}),
            }
            for c in described
        }

    return {
        "functions": callables(description["functions"]),
        "classes": {c["name"]: callables(c["methods"]) for c in description["classes"]},
        "records": {
            r["name"]: {"input": r["input"], "fields": slots(r["fields"])}
            for r in description["records"]
        },
        "enums": {e["name"]: e["values"] for e in description["enums"]},
        "types": types,
    }


def text_of(record: Record) -> str:
    """Return a record as JSON with a line for each function, method, record, enum and type."""
    parts = (
        f"{json.dumps(part)}: {_lines(entries, depth=2 if part == 'classes' else 1)}"
        for part, entries in record.items()
    )
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(entries: Record, depth: int) -> str:
    if depth == 0:
        return json.dumps(entries)
    lines = (f"{json.dumps(name)}: {_lines(entry, depth - 1)}" for name, entry in entries.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def broken_by(new: Record, old: Record) -> list[str]:
    """Return what a program that was written for an old record can no longer rely on in a new one.

    New names are no break, nor is a parameter that comes last and may be left out, one that may be
    left out now, one that takes more, or a result that is narrower than it was.
    """
    return list(_Comparison(new, old).breaks())


class _Comparison:
    def __init__(self, new: Record, old: Record) -> None:
        self._new, self._old = new, old

    def breaks(self) -> Iterator[str]:
        new, old = self._new, self._old
        yield from self._callables("", new["functions"], old["functions"])
        for name, methods in old["classes"].items():
            if name not in new["classes"]:
                yield f"{name}: the class is gone"
            else:
                yield from self._callables(f"{name}.", new["classes"][name], methods)
        for name, record in old["records"].items():
            if name not in new["records"]:
                yield f"{name}: the record is gone"
            else:
                yield from self._fields(name, new["records"][name], record)
        for name, values in old["enums"].items():
            for key, value in values.items():
                if new["enums"].get(name, {}).get(key) != value:
                    yield f"{name}.{key}: is no longer {value}"

    def _callables(self, owner: str, new: Record, old: Record) -> Iterator[str]:
        for name, before in old.items():
            where = owner + name
            if name not in new:
                yield f"{where}: is gone"
                continue
            now = new[name]
            if now.get("cooperative") != before.get("cooperative"):
                yield f"{where}: gives a promise on the main thread, or no longer does"
            if before["returns"] != "void" and not self._returned(
                now["returns"], before["returns"]
            ):
                yield f"{where}: gives {now['returns']}, not {before['returns']}"
            places = list(before["parameters"])
            if list(now["parameters"])[: len(places)] != places:
                yield f"{where}: the parameters are {list(now['parameters'])}, not {places}"
            else:
                yield from self._slots(where, now["parameters"], before["parameters"])

    def _fields(self, name: str, new: Record, old: Record) -> Iterator[str]:
        gone = [field for field in old["fields"] if field not in new["fields"]]
        yield from (f"{name}.{field}: is gone" for field in gone)
        if new["input"] != old["input"]:
            yield f"{name}: is given now, and was a result, or the other way round"
        elif old["input"]:
            yield from self._slots(name, new["fields"], old["fields"])
        else:
            for field, (type_, *_) in old["fields"].items():
                if field not in gone and not self._returned(new["fields"][field][0], type_):
                    yield f"{name}.{field}: is {new['fields'][field][0]}, not {type_}"

    def _slots(self, where: str, new: Record, old: Record) -> Iterator[str]:
        """Compare what a caller gives: parameters, or fields of a record."""
        for name, (type_, *default) in new.items():
            if name not in old:
                if not default:
                    yield f"{where}.{name}: is new and may not be left out"
                continue
            before, *default_before = old[name]
            if default_before and default != default_before:
                yield f"{where}.{name}: left out, it was {default_before[0]!r}"
            if not self._taken(type_, before):
                yield f"{where}.{name}: takes {type_}, not {before}"

    def _taken(self, new: str, old: str) -> bool:
        return _accepts(self._new["types"][new], self._old["types"][old])

    def _returned(self, new: str, old: str) -> bool:
        return _accepts(self._old["types"][old], self._new["types"][new])


def _accepts(wide: Type, narrow: Type) -> bool:
    """Tell whether each value of the narrow type is one of the wide type."""
    if narrow["kind"] == "union":
        return all(_accepts(wide, option) for option in narrow["options"])
    if wide["kind"] == "union":
        return any(_accepts(option, narrow) for option in wide["options"])
    match wide["kind"]:
        case "unknown":
            return True
        case "number" | "string" | "boolean" if narrow["kind"] == "literal":
            return wide["kind"] == _KIND_OF_LITERAL[type(narrow["value"])]
        case "array" | "map" if narrow["kind"] == wide["kind"]:
            return _accepts(wide["item"], narrow["item"])
        case "callback" if narrow["kind"] == "callback":
            # A function may ignore arguments, but has to cope with all that it is called with.
            told = zip(narrow["parameters"], wide["parameters"], strict=False)
            return (
                len(narrow["parameters"]) <= len(wide["parameters"])
                and all(_accepts(takes, given) for takes, given in told)
                and ("returns" not in wide or _answers(wide, narrow))
            )
    return wide == narrow


def _answers(wide: Type, narrow: Type) -> bool:
    return "returns" in narrow and _accepts(wide["returns"], narrow["returns"])


_KIND_OF_LITERAL = {bool: "boolean", int: "number", float: "number", str: "string"}


if __name__ == "__main__":
    sys.stdout.write(text_of(record_of(json.load(sys.stdin))))
