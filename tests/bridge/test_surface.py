"""Every documented public name is there, or stands in a list with the reason why not yet."""

import json
from collections import Counter
from typing import ClassVar

import loom_core
from loom_core import Dense, Network, public as table
from loom_core.enums import ENUMS
from loom_core.fields import Fields
from loom_core.introspection import describe
from loom_core.layers import LOOM_LAYER_TYPES
from loom_core.layers.reading import read_layer
from loom_core.network.bundle_text import serialize_model
from tests.support.fixture_files import FIXTURES

SURFACE = json.loads((FIXTURES / "surface.json").read_text(encoding="utf-8"))
WAITING = json.loads((FIXTURES / "surface_waiting.json").read_text(encoding="utf-8"))


def plain(name):
    return name.lower().replace("_", "")


def missing_names():
    described = describe()
    functions = {f["name"] for f in described["functions"]}
    yield from (name for name in SURFACE["functions"] if name not in functions)
    methods = {c["name"]: {m["name"] for m in c["methods"]} for c in described["classes"]}
    fields = {
        r["name"]: {plain(field["name"]) for field in r["fields"]} for r in described["records"]
    }
    enums = {enum.__name__ for enum in ENUMS}
    for name, documented in SURFACE["types"].items():
        if name in methods:
            yield from (f"{name}.{m}" for m in documented["methods"] if m not in methods[name])
        elif name in fields:
            yield from (f"{name}.{f}" for f in documented["fields"] if plain(f) not in fields[name])
        elif name not in enums:
            yield name


def test_what_is_missing_is_what_the_list_says():
    missing = set(missing_names())
    reasons = Counter(WAITING[name] for name in missing & WAITING.keys())
    for reason, count in reasons.most_common():
        print(f"{count:4} {reason}")
    assert missing - WAITING.keys() == set(), "documented, but neither there nor in the list"
    assert WAITING.keys() - missing == set(), "in the list, but there by now: take it out"


def test_every_public_name_is_importable_in_python():
    for name, function in table.FUNCTIONS.items():
        assert callable(function), name
        assert function.__module__.startswith("loom_core"), name


class Recorder(Fields):
    """Settings that note which keys a layer asks for."""

    asked: ClassVar[set[str]] = set()

    def get(self, key):
        self.asked.add(key)
        return super().get(key)

    def parts(self, key, kind):
        self.asked |= {key}
        inner = super().parts(key, kind)
        return [Recorder(p._values, where=p.where, read_layer=read_layer) for p in inner]


SETTINGS = {
    "output_size": 2, "filters": 1, "kernel_size": 1, "num_heads": 1, "hidden_size": 1,
    "vocab_size": 1, "embedding_dim": 1, "branches": [{"type": "dense"}],
    "combine_mode": "grid_scatter", "grid_positions": [{}],
}  # fmt: skip


def test_every_documented_json_field_of_a_layer_is_read():
    for layer in LOOM_LAYER_TYPES:
        layer.from_fields(Recorder(SETTINGS, where="here", read_layer=read_layer))
    documented = set(SURFACE["types"]["LayerDefinition"]["fields"].values()) - {"type"}
    positions = set(SURFACE["types"]["GridPositionDef"]["fields"].values())
    assert documented | positions <= Recorder.asked


def test_every_documented_json_field_of_weights_is_stored():
    stored = {"dtype", "branch_weights"}
    for layer in LOOM_LAYER_TYPES:
        for keys in layer.weight_keys.values():
            stored |= {keys} if isinstance(keys, str) else set(keys)
    for name in ("LayerWeights", "MultiPrecisionLayer"):
        assert set(SURFACE["types"][name]["fields"].values()) <= stored


def test_saved_models_have_the_documented_fields():
    network = Network.of(Dense(2), input_size=2)
    model = serialize_model(network, "m", "loom")
    bundle = json.loads(network.save_model_to_string("m", "loom"))
    for name, found in (
        ("SavedModel", model),
        ("NetworkConfig", model["cfg"] | {"dtype": None}),  # Loom reads it and never writes it
        ("EncodedWeights", model["weights"]),
        ("ModelBundle", bundle),
    ):
        assert set(SURFACE["types"][name]["fields"].values()) <= found.keys(), name
    assert loom_core.deserialize_model(model).forward_cpu([1.0, 2.0]).shape == (2,)
