"""What is printed where the output does not know every character."""

import io
import sys

import numpy as np
import pytest

from loom_core import ConsoleObserver, Dense, TrainingConfig, evaluate_model
from loom_core.console_text import print_text
from loom_core.evaluate.adaptation_result import AdaptationComparison
from tests.support.observed_networks import network_of
from tests.support.small_networks import XOR, xor_network
from tests.support.terminal import Terminal


@pytest.fixture(params=["cp1252", "ascii"])
def printed(request, monkeypatch):
    """Return what an action prints in an encoding without blocks and arrows."""

    def run(action):
        out = Terminal(request.param)
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setenv("COLUMNS", "120")
        action()
        return out.getvalue()

    return run


def test_a_summary(printed):
    metrics = evaluate_model([100.0, 100.0], [100.0, 300.0])
    assert f"(50.0%) {'#' * 25}\n" in printed(metrics.print_summary)


def test_layers(printed):
    network = network_of(Dense(3, input_size=2))
    network.set_observer(ConsoleObserver())
    text = printed(lambda: network.forward_cpu(np.ones((4, 2))))
    assert "[Layer 0] Dense: 2 -> 3" in text


def test_the_bar_of_a_training(printed):
    config = TrainingConfig(epochs=1, verbose=True, progress_interval=0.0)
    text = printed(lambda: xor_network().train(XOR, config))
    assert "|##########          | 1/2 [" in text


def test_a_title_of_a_comparison(printed):
    comparison = AdaptationComparison()
    text = printed(lambda: comparison.print_comparison_summary("from → to \N{SNOWMAN}"))
    assert text.startswith("=== from -> to ? ===")


def test_an_output_that_knows_all_gets_all():
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    print_text("▏█ →", out)
    out.flush()
    assert out.buffer.getvalue().decode() == "▏█ →"
    memory = io.StringIO()
    print_text("█", memory)
    assert memory.getvalue() == "█"
