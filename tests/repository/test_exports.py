"""What `loom_core` gives to users of Python: each name once, none that only JavaScript needs."""

import ast
import inspect
import pkgutil
import subprocess
import sys
from types import ModuleType

import pytest

import loom_core
from loom_core import errors
from loom_core.enums import ENUMS
from loom_core.public import CLASSES, FUNCTIONS, RECORDS

FOR_JAVASCRIPT = {
    "call_layer_init": "the class of the layer",
    "default_training_config": "TrainingConfig(...)",
    "get_layer_init_function": "help(Dense)",
    "list_layer_init_functions": "help(loom_core)",
    "build_network_from_json_with_dtype": "build_network_from_json",
    "layer_type_to_name": "type(layer).__name__",
    **dict.fromkeys(("maximum", "minimum", "mean", "max_abs_diff"), "NumPy's"),
    **dict.fromkeys(("reshape_to_2d", "flatten_from_2d", "residual_forward_cpu"), "NumPy's"),
    **dict.fromkeys(
        (
            "forward_softmax_cpu",
            "multi_head_attention_forward_cpu",
            "rms_norm_forward_cpu",
            "swiglu_forward_cpu",
        ),
        "run_layer",
    ),
}
"""Functions that stay in their modules, with what Python has instead; besides all that make an
object (new_..., init_...), where one calls the class."""

RESULTS_FOR_JAVASCRIPT = {"BuiltNetwork", "LayerInitFunction"}
"""What such functions return."""


def imported():
    """Return the names that the package's file imports, and as what."""
    tree = ast.parse(inspect.getsource(loom_core))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [(alias.name, alias.asname) for node in imports for alias in node.names]


def test_each_name_is_given_on_once_in_the_form_that_type_checkers_understand():
    names = [(name, given) for name, given in imported() if given != "_ModuleType"]
    assert [name for name, given in names if name != given] == []  # PEP 484: `X as X`
    assert sorted(name for name, _ in names if name != "__version__") == loom_core.__all__
    assert len(set(loom_core.__all__)) == len(loom_core.__all__)
    assert not any(isinstance(getattr(loom_core, name), ModuleType) for name in loom_core.__all__)


def test_every_public_class_record_enum_and_error_is_there():
    kinds = {*CLASSES.values(), *ENUMS}
    kinds |= {kind for name, kind in RECORDS.items() if name not in RESULTS_FOR_JAVASCRIPT}
    kinds |= {
        error
        for error in vars(errors).values()
        if isinstance(error, type) and "code" in vars(error)  # one that users tell apart
    }
    kinds = {kind for kind in kinds if not kind.__module__.startswith("loom_core.generic")}
    missing = {kind.__name__ for kind in kinds} - set(loom_core.__all__)
    assert not missing


def test_functions_are_there_but_for_those_that_only_javascript_needs():
    found = {
        function.__name__
        for function in FUNCTIONS.values()
        if not function.__module__.startswith("loom_core.generic")
    }
    makers = {name for name in found if name.startswith(("new_", "init_"))}
    assert found - set(loom_core.__all__) == makers | FOR_JAVASCRIPT.keys()


@pytest.mark.parametrize("name", ["new_tensor", "new_adamw_optimizer", *FOR_JAVASCRIPT])
def test_what_only_javascript_needs_is_no_name_of_the_package(name):
    assert not hasattr(loom_core, name)


def test_all_that_javascript_can_call_is_registered_by_importing_the_package():
    modules = [module.name for module in pkgutil.walk_packages(loom_core.__path__, "loom_core.")]
    for_the_browser = {"loom_core.observers.http_fetch"}
    code = (
        "import sys, importlib, loom_core; from loom_core import public; "
        "count = lambda: [len(table) for table in "
        "(public.FUNCTIONS, public.CLASSES, public.METHODS, public.RECORDS)]; "
        "before = count(); [importlib.import_module(name) for name in sys.argv[1:]]; "
        "print(before == count())"
    )
    arguments = [sys.executable, "-c", code, *sorted(set(modules) - for_the_browser)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr


def test_an_import_of_everything_brings_no_modules():
    names: dict[str, object] = {}
    exec("from loom_core import *", names)
    names.pop("__builtins__")
    assert sorted(names) == loom_core.__all__
