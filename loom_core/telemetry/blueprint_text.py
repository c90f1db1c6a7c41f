"""A blueprint as a table in text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loom_core.telemetry.telemetry_records import LayerTelemetry, ModelTelemetry

_HEAD = ("Layer", "Type", "Grid", "Input", "Output", "Activation", "Params")
_RIGHT = {0, 6}
"""Columns of numbers, aligned to the right."""


def blueprint_text(model: ModelTelemetry) -> str:
    """Return a table of the layers, those inside a layer below it, with totals and memory."""
    rows = [_HEAD, *_rows(model.layers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    title = (
        f"Model {model.id or '(no name)'}: {model.total_layers} layers, "
        f"{model.total_params:,} parameters, grid of {model.grid_rows} x {model.grid_cols} cells "
        f"with {model.layers_per_cell}"
    )
    return "\n".join([title, "", *lines, *_memory_lines(model)])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        text.rjust(width) if column in _RIGHT else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return " | ".join(cells).rstrip()


def _rows(layers: Sequence[LayerTelemetry]) -> Iterator[tuple[str, ...]]:
    for index, layer in enumerate(layers):
        place = f"({layer.grid_row},{layer.grid_col},{layer.cell_layer})"
        yield _row(str(index), place, "", layer)
        yield from _inner_rows(layer, 1)


def _inner_rows(layer: LayerTelemetry, depth: int) -> Iterator[tuple[str, ...]]:
    inside = [(f"[{index}] ", inner) for index, inner in enumerate(layer.branches)]
    inside += [] if layer.gate is None else [("gate ", layer.gate)]
    for name, inner in inside:
        yield _row("", "", "  " * depth + name, inner)
        yield from _inner_rows(inner, depth + 1)


def _row(number: str, place: str, name: str, layer: LayerTelemetry) -> tuple[str, ...]:
    kind = layer.type + (f" ({layer.combine_mode})" if layer.combine_mode else "")
    marks = "".join(
        mark for set_, mark in ((layer.frozen, " frozen"), (layer.disabled, " off")) if set_
    )
    shapes = (_shape(layer.input_shape), _shape(layer.output_shape))
    return (number, name + kind + marks, place, *shapes, layer.activation, f"{layer.parameters:,}")


def _shape(sizes: Sequence[int]) -> str:
    return f"[{', '.join(map(str, sizes))}]" if sizes else "any"


def _memory_lines(model: ModelTelemetry) -> list[str]:
    memory = model.memory
    if memory is None:
        return []
    total = (_size(memory.total_inference), _size(memory.total_training))
    line = f"Memory at batch {memory.batch_size}: weights {_size(memory.parameters)}"
    return ["", f"{line}, inference {total[0]}, training {total[1]}"]


def _size(count: int) -> str:
    """Return bytes in a unit that a reader takes in: 12 B, 3.4 KiB, 5.6 MiB."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KiB" if count < 1024**2 else f"{count / 1024**2:.1f} MiB"
