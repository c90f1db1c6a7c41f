"""The side modules in Node: sizes beyond 32 bits are refused, addresses beyond 31 bits work."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.huge_records import HUGE

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).parent / "pages" / "kernel_memory.py"

SCRIPT = """
import { readFileSync } from "node:fs";
import { loadPyodide } from "pyodide";
import { runSheet } from "../web/src/call_sheet.js";
const [folder, page, kind, scratch] = process.argv.slice(2);
process.on("uncaughtException", (error) => { // without the line of code, which is Pyodide's whole
  console.error(error.stack);
  process.exit(1);
});
const options = { lockFileURL: folder + "pyodide-lock.json", packageBaseUrl: folder };
const python = await loadPyodide(options);
await python.loadPackage("loom_core", { messageCallback: () => {} });
python.runPython(readFileSync(page, "utf8"));
const run = (expression) => JSON.parse(python.runPython(`json.dumps(${expression})`));
const found = {
  refusals: run(`refusals("${kind}", False)`),
  trusting: run(`refusals("${kind}", True)`),
  scratch: JSON.parse(scratch).map(([op, parameters]) =>
    run(`scratch_floats("${kind}", "${op}", ${JSON.stringify(parameters)})`)),
};

// Numbers only from here on: text above 2 GiB does not come out of Pyodide whole.
python.runPython(`above = AboveTwoGigabytes("${kind}")`);
const { HEAPF32 } = python._module;
const { sheet, input, arena, expected } = Object.fromEntries(
  ["sheet", "input", "arena", "expected"].map((name) => [name, python.runPython(`above.${name}`)]),
);
const y = runSheet(python._module, sheet, HEAPF32.slice(input >>> 2, (input >>> 2) + 600 * 256));
found.above = {
  lowest: Math.min(input, arena),
  loss: python.runPython("above.loss"),
  loss_error: python.runPython("above.loss_error"),
  output_error: python.runPython("above.output_error"),
  sheet_error: Math.max(...y.map((value, i) => Math.abs(value - HEAPF32[(expected >>> 2) + i]))),
  outputs: y.length,
};
const records = python._module.HEAPU32[(sheet >>> 2) + 5] >>> 2;
python._module.HEAPU32[records] = 0x7fffffff;
try {
  found.broken = Array.from(runSheet(python._module, sheet, HEAPF32.slice(0, 600 * 256)));
} catch (error) {
  found.broken = error.message;
}
console.log(JSON.stringify(found));
"""


@pytest.fixture(scope="module", params=["simd128", "relaxed-simd"])
def found(request):
    """What a process of its own says; were memory written outside, it would not say it all."""
    kind = request.param
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    old = int(version.stdout.removeprefix("v").split(".")[0]) < 22
    flags = ["--experimental-wasm-relaxed-simd"] if old and kind == "relaxed-simd" else []
    script = ROOT / "node_modules" / f".loom-{kind}-memory-test.mjs"  # beside what it imports
    script.write_text(SCRIPT)
    scratch = json.dumps([(op, parameters) for op, parameters, _ in HUGE])
    try:
        command = ["node", *flags, script, f"{ROOT / 'dist' / 'pyodide'}/", PAGE, kind, scratch]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        script.unlink()
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout)


def test_a_model_with_a_huge_border_is_refused_and_the_interpreter_lives(found):
    *errors, works = found["refusals"]
    assert len(errors) == 3
    assert all("memory of one image with its padding" in error for error in errors)
    assert works is True


def test_a_raised_limit_ends_at_the_memory_there_is(found):
    *errors, works = found["trusting"]
    assert len(errors) == 3
    assert all("of working memory, which are not to be had here" in error for error in errors)
    assert works is True


def test_working_memory_is_counted_beyond_32_bits(found):
    assert found["scratch"] == [floats for _, _, floats in HUGE]


def test_addresses_above_two_gigabytes_work(found):
    above = found["above"]
    assert above["lowest"] > 2**31
    assert above["loss"] > 0
    assert above["loss_error"] < 1e-5
    assert above["output_error"] < 1e-4
    assert above["outputs"] == 600 * 5
    assert above["sheet_error"] == 0


def test_a_record_that_names_no_kernel_fails_a_run_by_call_sheet(found):
    assert found["broken"] == "the record at word 0 names no kernel"
