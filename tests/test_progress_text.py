"""What a training prints while it runs: a bar in a terminal, plain lines elsewhere."""

import io

from test_train import XOR_INPUTS, XOR_TARGETS, xor_network
from test_train_config import XOR, events_of

from loom_core import (
    TrainingBatch,
    TrainingConfig,
)
from loom_core.train.progress_text import ProgressText


class Terminal(io.StringIO):
    def isatty(self):
        return True


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
