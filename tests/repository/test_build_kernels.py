"""The compiled side modules: small, equal bytes for equal sources, and asking for nothing."""

import subprocess

import pytest

from loom_core.backends.simd.library import FILES
from web.build import kernel_table
from web.build.kernels import EXPORTS, compile_kernels, kernel_modules

IMPORTS_OF_A_SIDE_MODULE = {"memory", "__stack_pointer", "__memory_base", "__table_base"}

# Node 20 has relaxed SIMD behind a flag; what a later one does not know any more it leaves alone.
DESCRIBE = """
require("v8").setFlagsFromString("--experimental-wasm-relaxed-simd");
const module = new WebAssembly.Module(require("fs").readFileSync(process.argv[1]));
console.log(WebAssembly.Module.imports(module).map((entry) => entry.name).join(" "));
console.log(WebAssembly.Module.exports(module).map((entry) => entry.name).join(" "));
"""


@pytest.fixture(scope="module")
def modules():
    return kernel_modules()


def test_each_module_is_below_128_kilobytes_and_names_no_folder(modules):
    assert set(modules) == set(FILES.values())
    for path in modules.values():
        data = path.read_bytes()
        assert len(data) < 128_000
        assert b"/loom" not in data
        assert b"/tmp" not in data


@pytest.mark.parametrize("kind", FILES)
def test_equal_sources_give_equal_bytes(modules, tmp_path, kind):
    again = tmp_path / "again.wasm"
    compile_kernels(kind, again)
    assert again.read_bytes() == modules[FILES[kind]].read_bytes()


@pytest.mark.parametrize("name", FILES.values())
def test_a_module_exports_the_interpreter_and_imports_no_library(modules, name):
    command = ["node", "-e", DESCRIBE, str(modules[name])]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    imports, exports = (set(line.split()) for line in result.stdout.splitlines())
    assert imports == IMPORTS_OF_A_SIDE_MODULE
    assert set(EXPORTS) <= exports


def test_the_library_is_compiled_from_the_table_of_this_package(capsys):
    assert kernel_table.main(["--check"]) == 0, capsys.readouterr().out


def test_a_table_that_is_not_written_anew_is_named(monkeypatch, capsys):
    monkeypatch.setattr(kernel_table, "table_of_the_library", lambda: "KERNEL(strange, no_scratch)")
    assert kernel_table.main(["--check"]) == 1
    message = "loom_core/backends/simd/kernels.inc is stale: run python3 web/build types"
    assert message in capsys.readouterr().out
