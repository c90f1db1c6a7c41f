"""Promises about the tests themselves: what they share stands once, in tests/support or e2e."""

import ast
from collections import defaultdict

from web.build.folders import ROOT

FILES = [path for folder in ("tests", "e2e") for path in sorted((ROOT / folder).rglob("*.py"))]


def imports_of_tests(tree):
    """Return the test modules that a module imports, or imports from."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
            names.append(node.module or "")
    modules = {part for name in names for part in name.split(".")}
    return sorted(part for part in modules if part.startswith("test_"))


def helpers(tree):
    """Yield name and code of what stands at the top and is neither a test nor a file's fixture."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("test_"):
            continue
        if not any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list):
            without_words = node.body[1:] if ast.get_docstring(node) else node.body
            yield node.name, ast.dump(ast.Module(without_words, []))


def copies(trees):
    """Return the helpers that several files have, as sorted places."""
    places = defaultdict(list)
    for name, tree in trees.items():
        for helper, code in helpers(tree):
            places[code].append(f"{name}: {helper}")
    return sorted(sorted(found) for found in places.values() if len(found) > 1)


def test_no_file_imports_from_a_test():
    found = {path.name: imports_of_tests(ast.parse(path.read_text("utf-8"))) for path in FILES}
    assert {name: modules for name, modules in found.items() if modules} == {}


def test_an_import_from_a_test_would_be_found():
    for line in (
        "from tests.train.test_train import xor_network",
        "from tests.bridge import test_bridge as bridge",
        "import test_simd",
        "def late():\n    from test_simd import MODELS",
    ):
        assert len(imports_of_tests(ast.parse(line))) == 1


def test_no_helper_stands_in_two_files():
    trees = {path.name: ast.parse(path.read_text("utf-8")) for path in FILES}
    assert copies(trees) == []


def test_a_copied_helper_would_be_found():
    one = ast.parse("def norm(x):\n    return abs(x)")
    two = ast.parse('def size(x):\n    """Its size."""\n    return abs(x)')
    assert copies({"a": one, "b": two}) == [["a: norm", "b: size"]]
    assert copies({"a": one}) == []


def test_no_two_test_files_have_one_name():
    names = [path.name for path in FILES if path.name.startswith("test_")]
    assert sorted(names) == sorted(set(names))
