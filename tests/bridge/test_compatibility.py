"""What JavaScript programs called at commit 4ffb176 is still there, and takes what it took."""

import copy
import json
import re

import pytest

from loom_core.introspection import describe
from tests.support.api_record import broken_by, record_of
from tests.support.fixture_files import FIXTURES
from web.build.api_types import FOLDER

OLD = json.loads((FIXTURES / "api_of_4ffb176.json").read_text(encoding="utf-8"))


def test_programs_of_before_can_rely_on_what_they_use():
    assert broken_by(record_of(describe()), OLD) == []


def test_types_of_before_can_be_imported():
    declared = (FOLDER / "api.d.ts").read_text(encoding="utf-8")
    exported = set(re.findall(r"^export (?:type|interface) (\w+)", declared, re.MULTILINE))
    classes = ["Loom", *OLD["classes"]]

    assert {*classes, *OLD["records"], "Enums"} - exported == set()
    assert {f"{name}OnMainThread" for name in classes} - exported == set()


def test_the_record_is_a_whole_one():
    sizes = {part: len(OLD[part]) for part in ("functions", "classes", "records", "enums")}
    assert sizes == {"functions": 139, "classes": 32, "records": 57, "enums": 4}
    assert sum(len(methods) for methods in OLD["classes"].values()) == 258


def put(path, value, **types):
    """Return what sets the entry at a path of a record, and adds types to it."""
    *way, last = path.split("/")

    def change(record):
        record["types"] |= types
        for key in way:
            record = record[key]
        record[last] = value

    return change


def drop(path):
    """Return what takes the entry at a path out of a record."""
    *way, last = path.split("/")

    def change(record):
        for key in way:
            record = record[key]
        del record[last]

    return change


def altered(change):
    record = copy.deepcopy(OLD)
    change(record)
    return record


NUMBER, STRING = {"kind": "number"}, {"kind": "string"}
MADE = {"made": {"kind": "object", "name": "Optimizer"}}
GIVEN = {"given": {"kind": "union", "options": [STRING, {"kind": "null"}]}}
EVENTS = OLD["types"]["(LayerEvent | TrainingEvent) => void"]["parameters"]
TOLD_LESS = {"told": {"kind": "callback", "parameters": []}}
TOLD_ELSE = {"told": {"kind": "callback", "parameters": [{"kind": "unknown"}]}}
TOLD_MORE = {"told": {"kind": "callback", "parameters": [*EVENTS, STRING]}}
ASKED = {"told": {"kind": "callback", "parameters": EVENTS, "returns": NUMBER}}
LISTEN = "classes/ChannelObserver/Listen/parameters/on_event"
NAMES = "classes/Network/ForwardCPU/parameters"
TRAIN = "classes/Network/Train"

BREAKS = {
    drop("functions/ListModels"): "ListModels: is gone",
    drop("classes/Tensor"): "Tensor: the class is gone",
    drop("classes/Network/ForwardCPU"): "Network.ForwardCPU: is gone",
    drop("records/TrainingBatch"): "TrainingBatch: the record is gone",
    drop("records/TrainingBatch/fields/Input"): "TrainingBatch.Input: is gone",
    drop("records/DeviationBucket/fields/Count"): "DeviationBucket.Count: is gone",
    drop("enums/LayerType/Dense"): "LayerType.Dense: is no longer 0",
    put("enums/LayerType/Dense", 3): "LayerType.Dense: is no longer 0",
    drop("enums/DType"): "DType.Float32: is no longer 0",
    put("records/TrainingBatch/input", False): "TrainingBatch: is given now, and was a result",
    put("records/TrainingBatch/fields/Input", ["string"]): "TrainingBatch.Input: takes string, not",
    put("records/TrainingBatch/fields/New", ["string"]): "TrainingBatch.New: is new and may not be",
    put(
        "records/DeviationBucket/fields/Count", ["string"]
    ): "DeviationBucket.Count: is string, not",
    drop(TRAIN + "/cooperative"): "Network.Train: gives a promise on the main thread, or no longer",
    put("functions/ListModels/cooperative", True): "ListModels: gives a promise on the main thread",
    put("functions/ListModels/returns", "string"): "ListModels: gives string, not string[]",
    put("functions/ListModels/returns", "unknown[]"): "ListModels: gives unknown[], not string[]",
    put("functions/ListModels/returns", "void"): "ListModels: gives void, not string[]",
    drop(NAMES + "/input"): "Network.ForwardCPU: the parameters are [], not ['input']",
    put(NAMES, {"x": ["float32array"]}): "Network.ForwardCPU: the parameters are ['x'], not",
    put(NAMES + "/more", ["number"]): "Network.ForwardCPU.more: is new and may not be left out",
    put(NAMES + "/input", ["number[]"]): "Network.ForwardCPU.input: takes number[], not float32",
    put(TRAIN + "/parameters/config", ["TrainingConfig | null"]): "Network.Train.config: left out",
    put(
        TRAIN + "/parameters/config", ["TrainingConfig", None]
    ): "config: takes TrainingConfig, not",
    put(LISTEN, ["told"], **TOLD_LESS): "ChannelObserver.Listen.on_event: takes told, not",
    put(LISTEN, ["told"], **TOLD_ELSE): "ChannelObserver.Listen.on_event: takes told, not",
    put(LISTEN, ["told"], **ASKED): "ChannelObserver.Listen.on_event: takes told, not",
    put("records/DiagnosisThresholds/fields/DeadShare", ["number", 0.4]): "left out, it was 0.5",
    put("functions/NewTensor/parameters/dtype", ["string", "float32"]): "NewTensor.dtype: takes",
}


@pytest.mark.parametrize(("change", "message"), BREAKS.items(), ids=BREAKS.values())
def test_a_break_is_told(change, message):
    broken = broken_by(altered(change), OLD)

    assert len(broken) >= 1
    assert message in broken[0]


ADDITIONS = {
    "function": put("functions/More", {"parameters": {"x": ["number"]}, "returns": "void"}),
    "class": put("classes/More", {}),
    "method": put("classes/Network/More", {"parameters": {}, "returns": "void"}),
    "record": put("records/More", {"input": True, "fields": {"X": ["number"]}}),
    "code": put("enums/LayerType/More", 99),
    "field of a result": put("records/DeviationBucket/fields/More", ["number"]),
    "optional field": put("records/TrainingBatch/fields/More", ["number", 0]),
    "field left out": put("records/TrainingBatch/fields/Target", ["float32array", None]),
    "optional parameter": put(NAMES + "/more", ["number", 0]),
    "parameter left out": put(NAMES + "/input", ["float32array", None]),
    "wider parameter": put("functions/ListModels/parameters/text", ["given"], **GIVEN),
    "anything": put("functions/ListModels/parameters/text", ["unknown"]),
    "narrower result": put("classes/Network/GetOptimizer/returns", "made", **MADE),
    "result of nothing": put("classes/Network/SetObserver/returns", "number"),
    "callback told more": put(LISTEN, ["told"], **TOLD_MORE),
    "any text": put("classes/Network/SetBackend/parameters/backend", ["string"]),
}


@pytest.mark.parametrize("change", ADDITIONS.values(), ids=ADDITIONS)
def test_an_addition_is_none(change):
    assert altered(change) != OLD
    assert broken_by(altered(change), OLD) == []
