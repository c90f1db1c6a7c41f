"""The TypeScript types: made from the description, and right for those who use them."""

import subprocess
from pathlib import Path

import pytest
from language_server import language_server

from web.build import api_declarations, api_types
from web.build.environment import node_tool
from web.build.folders import NODE_MODULES

USAGE = Path(__file__).parent / "types"


def test_the_generated_files_are_up_to_date(capsys):
    assert api_types.main(["--check"]) == 0, capsys.readouterr().out


def test_a_program_compiles_against_the_types_of_the_built_site():
    compiler = NODE_MODULES / "typescript" / "bin" / "tsc"

    result = subprocess.run(
        node_tool(compiler, "--project", USAGE / "tsconfig.json"), capture_output=True, text=True
    )

    assert result.returncode == 0, result.stdout


HOVERED = """
import type { Loom, LoomOnMainThread } from "../../dist/loom/generated/api.js";
export async function show(there: Loom, here: LoomOnMainThread) {
  const far = await there.LoadModelFromString("", "");
  const near = here.LoadModelFromString("", "");
  far.ForwardCPU([]);
  near.ForwardCPU([]);
  near.forwardCPU([]);
  near.Train([]);
  (await near.Train([])).FinalLoss;
}
"""

FORWARD = ["Return the network's output for one sample or a batch of samples.", "@param `input`"]


@pytest.fixture(scope="module")
def editor():
    with language_server(USAGE / "hovered.ts", HOVERED) as server:
        yield server


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  far.ForwardCPU", ["options?: CallOptions): Promise<Float32Array", *FORWARD]),
        ("  near.ForwardCPU", ["options?: CallOptions): Float32Array", *FORWARD]),
        ("near.forwardCPU", ["=> Float32Array", "Same as `ForwardCPU`."]),
        ("  near.Train", ["): Promise<TrainingResult", "@param `onProgress`"]),
        (".FinalLoss", ["FinalLoss: number", "Mean loss of the last epoch."]),
        ("here: LoomOnMainThread", ["Its calls give their results at once."]),
    ],
)
def test_an_editor_shows_types_and_documentation_for_both_ways_to_load(editor, text, shown):
    hovered = editor.hover(text)

    assert [part for part in shown if part not in hovered] == [], hovered


def test_names_in_camel_case():
    names = ["ForwardCPU", "GPUInfo", "BuildNetworkFromJSON", "JSON", "TotalLayers", "LRSchedule"]

    assert [api_declarations.camel_case(name) for name in names] == [
        *("forwardCPU", "gpuInfo", "buildNetworkFromJSON", "json", "totalLayers", "lrSchedule")
    ]
