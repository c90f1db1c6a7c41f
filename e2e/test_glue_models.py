"""Loom's own model files give Loom's outputs in the browser too."""

import json

import numpy as np
import pytest
from glue import loaded_page

from tests.support.fixture_files import LOOM_MODELS

LOADABLE = json.loads((LOOM_MODELS / "loadable.json").read_text())


@pytest.fixture(scope="module")
def session(browser, site):
    with loaded_page(browser, site, worker=True) as page:
        yield page


@pytest.mark.parametrize("name", LOADABLE)
def test_a_model_string_of_loom_gives_looms_outputs(session, name):
    case = json.loads((LOOM_MODELS / f"{name}.json").read_text(encoding="utf-8"))
    expected = case.get("reload", {}).get("outputs") or case["outputs"]

    outputs = session.run(
        """
        const { text, id, inputs } = arg.options;
        const net = await loom.LoadModelFromString(text, id);
        const outputs = [];
        for (const x of inputs) outputs.push([...(await net.ForwardCPU(new Float32Array(x)))]);
        net.dispose();
        return outputs;
        """,
        {"text": case["model_json"], "id": case["model_id"], "inputs": case["inputs"]},
    )

    for output, wanted in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(output, wanted, rtol=0, atol=1e-5)
