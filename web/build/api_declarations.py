"""TypeScript declarations of what loom_core describes, for sessions in a worker and on the page."""

import json
import re
from collections.abc import Iterator
from typing import Any

IMPORTS = """
import type { CallOptions, FloatArray, LoomObject, Result, Session, Thread } from "../session.js";

export type * from "../session.js";
"""
LINE = 100

ON = "<On>"
"""Follows the name of a type that is another one for each thread that Python may run on."""

ON_DECLARED = '<On extends Thread = "worker">'
"""The same where the type is declared: its plain name is the one of a session in a worker."""

Described = dict[str, Any]
"""A part of the description: a callable, class, record, field or type."""


def camel_case(name: str) -> str:
    """Return the second name of a public name, as ``camelCase`` in description.js makes it."""
    return re.sub(r"^([A-Z]+(?![a-z])|[A-Z])", lambda start: start[0].lower(), name)


class Declarations:
    """The declarations of all records, classes and functions of a description."""

    def __init__(self, description: Described) -> None:
        self._description = description
        self._records = {record["name"]: record for record in description["records"]}

    def text(self) -> str:
        """Return the whole file but its first line."""
        parts = [IMPORTS]
        parts += [self._record(record) for record in self._records.values()]
        for cls in self._description["classes"]:
            parts.append(self._interface(cls["name"], cls["doc"], cls["methods"], "LoomObject"))
        functions = self._description["functions"]
        doc = "A session: loom_core, loaded."
        parts.append(self._interface("Loom", doc, functions, f"Session{ON}", "Enums"))
        parts.append(self._enums())
        return "\n".join(parts)

    def _interface(self, name: str, doc: str, callables: list[Described], *bases: str) -> str:
        members = "".join(self._members(name + ON, callables))
        meaning = "Its calls give promises, on the main thread their results at once."
        declared = f"export interface {name}{ON_DECLARED} extends {', '.join(bases)}"
        twin = on_main_thread(name, doc, "Its calls give their results at once.")
        return f"{comment(doc, meaning)}{declared} {{\n{members}}}\n{twin}"

    def _enums(self) -> str:
        """Declare the objects of named numbers that every session has."""
        members = ""
        for enum in self._description["enums"]:
            values = "".join(f"    readonly {k}: {v};\n" for k, v in enum["values"].items())
            members += comment(enum["doc"], indent="  ")
            members += f"  readonly {enum['name']}: {{\n{values}  }};\n"
        doc = comment("The integer codes by name, as every session has them.")
        return f"{doc}export interface Enums {{\n{members}}}\n"

    def _members(self, owner: str, callables: list[Described]) -> Iterator[str]:
        for described in callables:
            name, alias = described["name"], camel_case(described["name"])
            returns = self._type(described["returns"], given=False)
            cooperative = described["cooperative"]
            returns = f"Promise<{returns}>" if cooperative else f"Result<On, {returns}>"
            parameters = [
                f"{parameter_name(p['name'])}{'?' if p['optional'] else ''}: "
                f"{self._type(p['type'], given=True)}"
                for p in described["parameters"]
            ]
            meanings = [
                f"@param {parameter_name(p['name'])} {p['doc']}" for p in described["parameters"]
            ]
            yield comment(described["doc"], *meanings, indent="  ")
            yield signature(f"  {name}", [*parameters, "options?: CallOptions"], returns)
            if alias != name:
                yield f'  /** Same as `{name}`. */\n  {alias}: {owner}["{name}"];\n'

    def _record(self, record: Described) -> str:
        """Declare a record; one that goes in may be written with either form of each key."""
        given = record["input"]
        required, optional = "", ""
        for f in record["fields"]:
            type_ = self._type(f["type"], given=given)
            doc = comment(f["doc"], indent="  ")
            keys = dict.fromkeys((f["name"], camel_case(f["name"])))
            if not given:
                optional += f"{doc}  {f['name']}: {type_};\n"
            elif f["optional"]:
                optional += "".join(f"{doc}  {key}?: {type_} | undefined;\n" for key in keys)
            else:
                options = " | ".join(f"{{ {key}: {type_} }}" for key in keys)
                required += f"{doc}  ({options}) &\n"
        start = f"\n{required}  " if required else " "
        name, doc = record["name"], record["doc"]
        differs = self._holds_objects({**record, "kind": "record"})
        parameter, twin = (ON_DECLARED, on_main_thread(name, doc)) if differs else ("", "")
        return f"{comment(doc)}export type {name}{parameter} ={start}{{\n{optional}}};\n{twin}"

    def _type(self, type_: Described, *, given: bool) -> str:
        """Return a type as TypeScript; ``given`` says that a caller gives it."""
        match type_["kind"]:
            case "float32array":
                return "FloatArray" if given else "Float32Array"
            case "array":
                item = self._type(type_["item"], given=given)
                item = f"({item})" if " " in item else item
                return f"readonly {item}[]" if given else f"{item}[]"
            case "map":
                return f"Record<string, {self._type(type_['item'], given=given)}>"
            case "object" | "record":
                return str(type_["name"]) + (ON if self._holds_objects(type_) else "")
            case "union":
                options = (self._type(option, given=given) for option in type_["options"])
                return " | ".join(f"({o})" if "=>" in o else o for o in options)
            case "callback":
                # What Python passes to a function comes out of it.
                types = [self._type(p, given=not given) for p in type_["parameters"]]
                names = ["event"] if len(types) == 1 else [f"value{i}" for i in range(len(types))]
                pairs = ", ".join(f"{n}: {t}" for n, t in zip(names, types, strict=True))
                if "returns" not in type_:
                    return f"({pairs}) => void"
                answer = self._type(type_["returns"], given=given)
                return f"({pairs}) => {answer} | Promise<{answer}>"
            case "literal":
                return json.dumps(type_["value"])
            case "number" | "string" | "boolean" | "void" | "unknown" | "null" as simple:
                return str(simple)
        raise ValueError(f"loom_core describes a type of unknown kind {type_['kind']!r}")

    def _holds_objects(self, type_: Described, within: tuple[str, ...] = ()) -> bool:
        """Tell whether a type has an object in it, so that it differs between the threads."""
        match type_["kind"]:
            case "object":
                return True
            case "record" if type_["name"] not in within:
                within = (*within, type_["name"])
                fields = self._records[type_["name"]]["fields"]
                return any(self._holds_objects(f["type"], within) for f in fields)
            case "array" | "map":
                return self._holds_objects(type_["item"], within)
            case "union":
                return any(self._holds_objects(option, within) for option in type_["options"])
            case "callback":
                parts = [*type_["parameters"], type_.get("returns", {"kind": "void"})]
                return any(self._holds_objects(part, within) for part in parts)
        return False


def on_main_thread(name: str, *doc: str) -> str:
    """Return the declaration of a type's name for sessions on the main thread."""
    return f'{comment(*doc)}export type {name}OnMainThread = {name}<"main">;\n'


def signature(start: str, parameters: list[str], returns: str) -> str:
    """Return the declaration of a method, over several lines if it is long."""
    line = f"{start}({', '.join(parameters)}): {returns};\n"
    if len(line) <= LINE:
        return line
    return f"{start}(\n" + "".join(f"    {p},\n" for p in parameters) + f"  ): {returns};\n"


def parameter_name(name: str) -> str:
    """Return a parameter's name in camelCase."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def comment(*sentences: str, indent: str = "") -> str:
    """Return a documentation comment; Python's markup becomes Markdown, and None null."""
    plain = [re.sub(r":\w+:`~?([^`]+)`", r"`\1`", sentence) for sentence in sentences]
    plain = [sentence.replace("``", "`").replace("*/", "* /") for sentence in plain]
    plain = [re.sub(r"\bNone\b", "null", sentence) for sentence in plain]
    text = " ".join(plain)
    tagged = any(sentence.startswith("@") for sentence in plain)  # a tag begins a line
    if not tagged and len(f"{indent}/** {text} */") <= LINE:
        return f"{indent}/** {text} */\n"
    lines = "".join(f"{indent} * {sentence}\n" for sentence in plain)
    return f"{indent}/**\n{lines}{indent} */\n"
