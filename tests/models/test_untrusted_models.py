"""Strangers' files: a typed error or a working network, soon and in little memory."""

import base64
import json
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import loom_core
from loom_core import LimitError, LoomError, Network, SpecError, build_network_from_json
from loom_core.layers import LAYER_TYPES, LOOM_LAYER_TYPES
from tests.support.layer_stacks import STACKS, settings_of_newer_types, stack

SECONDS = 5.0  # of the processor, whatever else it does; what this guards against takes minutes
MEGABYTES = 64


def in_bounds(action):
    """Run an action that may raise a LoomError; return the result, or None."""
    tracemalloc.start()
    start = time.process_time()
    try:
        return action()
    except LoomError:
        return None
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert time.process_time() - start < SECONDS
        assert peak < MEGABYTES * 2**20


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 6),
    st.sampled_from([2**31 - 1, 2**31, 2**64, 10**30, 0.5, -0.0, 1e308, "", "x", "relu", "add"]),
    st.lists(st.integers(-1, 4), max_size=4),
    st.lists(st.lists(st.integers(0, 3), max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(["type", "a"]), st.sampled_from(["dense", 3]), max_size=2),
)
KEYS = [
    "activation",
    "input_size",
    "output_size",
    "input_height",
    "output_height",
    "width",
    "height",
    "filters",
    "kernel_size",
    "stride",
    "padding",
    "input_channels",
    "input_width",
    "output_width",
    "d_model",
    "num_heads",
    "num_kv_heads",
    "head_dim",
    "seq_length",
    "hidden_size",
    "softmax_variant",
    "softmax_rows",
    "softmax_cols",
    "temperature",
    "mask",
    "hierarchy_levels",
    "adaptive_clusters",
    "mixture_weights",
    "entmax_alpha",
    "norm_size",
    "epsilon",
    "vocab_size",
    "embedding_dim",
    "input_length",
    "combine_mode",
    "grid_positions",
    "grid_output_rows",
    "grid_output_cols",
    "grid_output_layers",
    "filter_gate",
    "filter_softmax",
    "skip_from",
    "layers_back",
    "frozen",
    "is_disabled",
    "silent",
    "causal",
    "rope_theta",
    "over_batch",
    "bias_only",
    "first_groups_only",
    "concat_by_branch",
    "loom_threshold",
    "input_fit",
    "gumbel_noise",
]
TYPES = st.sampled_from([layer.type_name for layer in LAYER_TYPES])

NEWER = {
    name: sorted({"frozen", "is_disabled", "silent"}.union(*found) - {"type"})
    for name, found in settings_of_newer_types().items()
}
"""The keys of the types that Loom does not have, which refuse all others."""
VARIANTS = st.sampled_from(
    ["grid", "hierarchical", "gumbel", "masked", "sparse", "entmax", "adaptive", "mixture"]
)


@st.composite
def layers(draw, children=None):
    """A layer of a random type with a few random settings, some of them its own."""
    name = draw(TYPES)
    keys = NEWER.get(name, KEYS)
    layer = {"type": name, **draw(st.dictionaries(st.sampled_from(keys), VALUES, max_size=5))}
    usual = {"output_size": 3, "filters": 2, "kernel_size": 2, "hidden_size": 2, "num_heads": 1}
    usual |= {"vocab_size": 4, "embedding_dim": 2, "norm_size": 1}
    if draw(st.booleans()):
        layer = {**{key: value for key, value in usual.items() if key in keys}, **layer}
    if layer["type"] == "softmax" and draw(st.booleans()):
        layer["softmax_variant"] = draw(VARIANTS)
    if children is not None and name not in NEWER:
        layer["branches"] = draw(st.lists(children, max_size=3))
    return layer


DESCRIPTIONS = st.fixed_dictionaries(
    {"layers": st.lists(st.recursive(layers(), layers, max_leaves=4), max_size=3)},
    optional=dict.fromkeys(("grid_rows", "batch_size", "seed", "input_size", "id"), VALUES),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(DESCRIPTIONS)
def test_random_descriptions_give_a_network_or_a_typed_error(description):
    network = in_bounds(lambda: build_network_from_json(json.dumps(description)))
    if network is not None:
        width = network.input_width() or network.batch_size * 4
        if width < 10_000:
            in_bounds(lambda: network.forward_cpu(np.ones(width, np.float32)))
        in_bounds(lambda: network.save_model_to_string("m"))


def is_known_to_loom(layers):
    """Whether Loom has all these layers with their activations, and those inside them."""
    return all(
        type(x) in LOOM_LAYER_TYPES and not x.unknown_to_loom() and is_known_to_loom(x.children)
        for x in layers
    )


SAVED = [(name, "compact") for name in sorted(STACKS)]
SAVED += [(name, "loom") for name in sorted(STACKS) if is_known_to_loom(STACKS[name][0]())]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SAVED), st.data())
def test_damaged_strings_give_a_network_or_a_typed_error(saved, data):
    name, save_as = saved
    make, width = STACKS[name]
    network = Network.of(*stack(*make(), width=width)[0], input_size=width, seed=3)
    text = network.save_model_to_string("m", save_as)
    at = data.draw(st.integers(0, len(text) - 1))
    letters = data.draw(st.text(st.characters(max_codepoint=255), max_size=4))
    damaged = text[:at] + letters + text[at + len(letters) + data.draw(st.integers(0, 3)) :]
    loaded = in_bounds(lambda: loom_core.load_model_from_string(damaged, "m"))
    if loaded is not None:
        in_bounds(lambda: loaded.forward_cpu(np.ones(width, np.float32)))


def nested(depth):
    layer = {"type": "dense", "input_size": 2, "output_size": 2}
    for _ in range(depth):
        layer = {"type": "parallel", "branches": [layer]}
    return {"layers": [layer]}


def test_nesting_works_up_to_the_limit_and_is_refused_beyond():
    network = build_network_from_json(json.dumps(nested(20)))
    assert network.forward_cpu([1.0, 2.0]).shape == (2,)
    text = network.save_model_to_string("m")
    assert loom_core.load_model_from_string(text, "m").save_model_to_string("m") == text
    with pytest.raises(LimitError, match="nested deeper"):
        build_network_from_json(json.dumps(nested(40)))


@pytest.mark.parametrize(
    "layer",
    [
        {"type": "embedding", "vocab_size": 2**31 - 1, "embedding_dim": 2**31 - 1},
        {"type": "dense", "input_size": 2**31 - 1, "output_size": 2**31 - 1},
        {"type": "lstm", "input_size": 2**20, "hidden_size": 2**20, "seq_length": 2**31 - 1},
        {"type": "swiglu", "input_size": 2**30, "output_size": 2**30},
        {"type": "conv2d", "filters": 2**31 - 1, "kernel_size": 2**31 - 1, "input_channels": 1,
         "input_height": 2**31 - 1, "input_width": 2**31 - 1},
        {"type": "multi_head_attention", "d_model": 2**30, "num_heads": 1, "seq_length": 2},
        {"type": "layer_norm", "norm_size": 2**30},
    ],
)  # fmt: skip
def test_sizes_whose_products_overflow_are_refused_before_they_are_allocated(layer):
    def build():
        with pytest.raises(LimitError, match="number of parameters"):
            build_network_from_json(json.dumps({"layers": [layer]}))

    in_bounds(build)


def test_many_branches_of_a_small_file_stay_within_the_limits():
    branch = {"type": "dense", "input_size": 8192, "output_size": 8192}
    many = {"layers": [{"type": "parallel", "branches": [branch] * 100}]}
    with pytest.raises(LimitError, match="number of parameters"):
        build_network_from_json(json.dumps(many))


def test_strange_ids_are_only_names():
    network = build_network_from_json(json.dumps(nested(0)))
    for name in ("__proto__", "constructor", "../../etc", "\x00", "a" * 256):
        text = network.save_model_to_string(name)
        assert loom_core.list_models(text) == [name]
        assert loom_core.load_bundle_from_string(text).keys() == {name}
    with pytest.raises(SpecError, match="1 to 256"):
        network.save_model_to_string("a" * 257)


def test_a_bomb_of_base64_claims_is_measured_first():
    network = build_network_from_json(json.dumps(nested(0)))
    bundle = json.loads(network.save_model_to_string("m"))
    bundle["models"][0]["weights"]["data"] = base64.b64encode(bytes(2**20)).decode()
    with pytest.raises(LoomError, match="need 24 bytes, got 1,048,576"):
        loom_core.load_model_from_string(json.dumps(bundle), "m")
