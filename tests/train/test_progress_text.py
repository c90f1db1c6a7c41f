"""What a training prints while it runs: a bar in a terminal, plain lines elsewhere."""

import io
from dataclasses import replace

import pytest

from loom_core import (
    TrainingBatch,
    TrainingConfig,
)
from loom_core.train.progress_text import ProgressText
from tests.support.small_networks import XOR, XOR_INPUTS, XOR_TARGETS, events_of, xor_network
from tests.support.terminal import Terminal


def progress_of(network, out, monkeypatch, **config):
    monkeypatch.setattr("sys.stdout", out)
    network.train(XOR, TrainingConfig(verbose=True, progress_interval=0.0, **config))
    return out.getvalue()


def test_verbose_prints_a_line_for_each_epoch(monkeypatch):
    text = progress_of(xor_network(), io.StringIO(), monkeypatch, epochs=3)
    lines = text.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert "\r" not in text
    assert "loss 0." in lines[0]
    assert "gradient norm" in lines[0]


def test_verbose_prints_batches_when_asked(monkeypatch):
    text = progress_of(xor_network(), io.StringIO(), monkeypatch, epochs=2, print_every_batch=2)
    starts = [line.split("  loss")[0] for line in text.splitlines()]
    assert starts == [
        "epoch 1/2  batch 2/2",
        "epoch 1/2",
        "epoch 2/2  batch 2/2",
        "epoch 2/2",
    ]


def test_a_terminal_gets_a_bar(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    text = progress_of(xor_network(), Terminal(), monkeypatch, epochs=1)
    assert "\repoch 1/1  50%|██████████          | 1/2 [00:00<00:00, " in text
    assert text.splitlines()[-1].startswith("epoch 1/1  loss")


def test_a_bar_that_is_left_standing_is_ended():
    (event,) = events_of(xor_network(), [TrainingBatch(XOR_INPUTS, XOR_TARGETS)], epochs=1)
    out = Terminal()
    text = ProgressText(out=out)
    text.show(event)
    text.close()
    text.close()
    assert out.getvalue().endswith("]\n")


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (120, "|██████████          | 500/1000 [1:02:05<1:02:05, 123456 samples/s, loss 0.1235]"),
        (80, "|██████████          | 500/1000 [1:02:05<1:02:05, loss 0.1235]"),
        (50, "|████████▌        | [loss 0.1235]"),
        (30, "|█████     | "),
        (12, "epoch 10/10"),
    ],
)
def test_the_bar_fits_into_the_terminal(monkeypatch, columns, shown):
    monkeypatch.setenv("COLUMNS", str(columns))
    (event,) = events_of(xor_network(), [TrainingBatch(XOR_INPUTS, XOR_TARGETS)], epochs=1)
    event = replace(
        event, epoch=10, epochs=10, batch=500, batches=1000, elapsed_seconds=3725.0,
        remaining_seconds=3725.0, samples_per_second=123456.0, loss=0.12345678,
    )  # fmt: skip
    out = Terminal()
    text = ProgressText(out=out)
    text.show(event)
    text.show(event)
    drawn = out.getvalue().split("\r")[1:]
    assert shown in drawn[0]
    assert drawn[0] == drawn[1]
    assert max(map(len, drawn)) < columns


def test_a_terminal_that_became_narrower_is_not_overwritten_beyond_its_width(monkeypatch):
    (event,) = events_of(xor_network(), [TrainingBatch(XOR_INPUTS, XOR_TARGETS)], epochs=1)
    out = Terminal()
    text = ProgressText(out=out)
    for columns in (120, 60):
        monkeypatch.setenv("COLUMNS", str(columns))
        text.show(event)
    assert len(out.getvalue().split("\r")[-1]) < 60
