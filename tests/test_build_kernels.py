"""The compiled side modules: small, equal bytes for equal sources, and asking for nothing."""

import subprocess

import pytest

from loom_core.backends.simd.library import FILES
from web.build.kernels import EXPORTS, compile_kernels, kernel_modules

IMPORTS_OF_A_SIDE_MODULE = {"memory", "__stack_pointer", "__memory_base", "__table_base"}

DESCRIBE = """
const module = new WebAssembly.Module(require("fs").readFileSync(process.argv[1]));
console.log(WebAssembly.Module.imports(module).map((entry) => entry.name).join(" "));
console.log(WebAssembly.Module.exports(module).map((entry) => entry.name).join(" "));
"""


@pytest.fixture(scope="module")
def modules():
    return kernel_modules()


def test_each_module_is_below_100_kilobytes_and_names_no_folder(modules):
    assert set(modules) == set(FILES.values())
    for path in modules.values():
        data = path.read_bytes()
        assert len(data) < 100_000
        assert b"/loom" not in data
        assert b"/tmp" not in data


def test_equal_sources_give_equal_bytes(modules, tmp_path):
    again = tmp_path / "again.wasm"
    compile_kernels("simd128", again)
    assert again.read_bytes() == modules[FILES["simd128"]].read_bytes()


def test_a_module_exports_the_interpreter_and_imports_no_library(modules):
    command = ["node", "-e", DESCRIBE, str(modules[FILES["simd128"]])]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    imports, exports = (set(line.split()) for line in result.stdout.splitlines())
    assert imports == IMPORTS_OF_A_SIDE_MODULE
    assert set(EXPORTS) <= exports
