"""The TypeScript types: made from the description, and right for those who use them."""

import subprocess
from pathlib import Path

from web.build import api_types
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


def test_names_in_camel_case():
    names = ["ForwardCPU", "GPUInfo", "BuildNetworkFromJSON", "JSON", "TotalLayers", "LRSchedule"]

    assert [api_types.camel_case(name) for name in names] == [
        *("forwardCPU", "gpuInfo", "buildNetworkFromJSON", "json", "totalLayers", "lrSchedule")
    ]
