"""What is said of every public name, for those who write pages and see no Python."""

import re

import pytest

from loom_core.cooperative import Cooperative
from loom_core.introspection import describe, describe_callable
from loom_core.public import FUNCTIONS, METHODS, documented_like
from web.build.folders import ROOT


def described_names():
    """Yield each public name with its documentation: callables, parameters, records, fields."""
    described = describe()
    callables = [(f["name"], f) for f in described["functions"]]
    for cls in described["classes"]:
        yield cls["name"], cls["doc"]
        callables += [(f"{cls['name']}.{method['name']}", method) for method in cls["methods"]]
    for name, function in callables:
        yield name, function["doc"]
        yield from ((f"{name}({p['name']})", p["doc"]) for p in function["parameters"])
    for record in described["records"]:
        yield record["name"], record["doc"]
        yield from ((f"{record['name']}.{f['name']}", f["doc"]) for f in record["fields"])
    yield from ((enum["name"], enum["doc"]) for enum in described["enums"])


def python_names():
    """Return the Python names of public functions that differ from any other word."""
    functions = [*FUNCTIONS.values(), *(m for named in METHODS.values() for m in named.values())]
    functions = [f.steps if isinstance(f, Cooperative) else f for f in functions]
    return {f.__name__ for f in functions if "_" in f.__name__}


def test_nothing_public_is_without_a_doc():
    assert [name for name, doc in described_names() if not doc.strip()] == []


def test_docs_name_what_a_page_can_see():
    inside = re.compile(r":\w+:`|loom_core|\b(" + "|".join(python_names()) + r")\b")
    assert [(name, doc) for name, doc in described_names() if inside.search(doc)] == []


@pytest.mark.parametrize(
    ("class_name", "method_name"),
    [
        ("HTTPObserver", "OnForward"),
        ("CPUBackend", "MatMul"),
        ("CosineAnnealingScheduler", "GetLR"),
    ],
)
def test_what_an_overridden_method_says_of_its_parameters_is_kept(class_name, method_name):
    (cls,) = (c for c in describe()["classes"] if c["name"] == class_name)
    (method,) = (m for m in cls["methods"] if m["name"] == method_name)
    assert all(parameter["doc"] for parameter in method["parameters"])
    assert method["parameters"]


def test_a_function_named_after_the_class_it_makes_has_its_docs():
    functions = {f["name"]: f for f in describe()["functions"]}
    beta1 = functions["NewAdamWOptimizer"]["parameters"][0]
    assert (beta1["name"], beta1["doc"][:5]) == ("beta1", "Share")
    seed = functions["NewNetwork"]["parameters"][-1]
    assert seed["doc"].startswith("Of every random choice")


def test_the_types_for_javascript_say_it_too():
    types = (ROOT / "web" / "src" / "generated" / "api.d.ts").read_text(encoding="utf-8")
    assert (
        "   * @param onProgress Called with each event, after batches and after epochs.\n" in types
    )
    assert not re.search(r":\w+:`|loom_core\.|\bNone\b", types)


def test_a_backward_function_keeps_what_the_forward_says_of_shared_parameters():
    functions = {f["name"]: f for f in describe()["functions"]}
    forward, backward = functions["Conv2DForward"], functions["Conv2DBackward"]
    said = {p["name"]: p["doc"] for p in forward["parameters"]}
    again = {p["name"]: p["doc"] for p in backward["parameters"]}
    own = {"grad_output", "pre_activation"}
    assert again.keys() - said.keys() == own
    assert said == {**{name: again[name] for name in again.keys() - own}, "bias": said["bias"]}


def test_what_a_function_says_itself_goes_before_what_it_is_documented_like():
    def forward(x: int, y: int) -> int:
        """Return.

        Args:
            x: First.
            y: Second.
        """
        return x + y

    @documented_like(forward)
    def backward(y: int, x: int, dy: int) -> int:
        """Return.

        Args:
            y: Another.
            dy: Third.
        """
        return x + y + dy

    described = describe_callable("Backward", backward)["parameters"]
    said = [(p["name"], p["doc"]) for p in described]
    assert said == [("y", "Another."), ("x", "First."), ("dy", "Third.")]
