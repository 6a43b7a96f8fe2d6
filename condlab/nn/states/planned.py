"""How the tensors of a state dict are matrices, by their names and shapes alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from condlab.nn.layout import Layout

Shapes = Mapping[str, tuple[int, ...]]

PACKED = ("q", "k", "v")
GATES = {1: ("h",), 3: ("r", "z", "n"), 4: ("i", "f", "g", "o")}
_RECURRENT = re.compile(r"weight_([ih])h(_l\d+(?:_reverse)?)?$")
_TRANSPOSED = re.compile(r"transpose|deconv")
_GPT2 = re.compile(r"(^|\.)(c_attn|c_proj|c_fc)\.weight$")


@dataclass(frozen=True, slots=True)
class Plan:
    """A tensor, what it is, and how it, or its transpose, is seen as matrices."""

    name: str
    kind: str
    layout: Layout
    parts: tuple[str, ...] = ()
    transposed: bool = False


def planned(shapes: Shapes) -> tuple[list[Plan], dict[str, str]]:
    """Return the tensors that are matrices, and why others of two axes are not."""
    by_columns = any(
        name.endswith("c_attn.weight") and len(s) == 2 and s[1] == 3 * s[0]
        for name, s in shapes.items()
    )
    plans, left = [], {}
    for name, shape in shapes.items():
        if len(shape) < 2:
            continue
        why = _refused(shape)
        if why:
            left[name] = why
            continue
        plans.append(_plan(name, shape, shapes, by_columns))
    return plans, left


def _refused(shape: tuple[int, ...]) -> str:
    if 0 in shape:
        return "has no entries"
    if sum(n > 1 for n in shape) < 2:
        return "is a single row or column, whose kappa is 1"
    return ""


def _plan(name: str, shape: tuple[int, ...], shapes: Shapes, by_columns: bool) -> Plan:
    last = name.rpartition(".")[2]
    if len(shape) == 2:
        return _matrix(name, last, shape, shapes, by_columns)
    if len(shape) == 3 and (shape[0] == 1 or "expert" in name or _is_stack(last)):
        return Plan(name, "stack" if shape[0] > 1 else "matrix", Layout(stacked=True))
    axis = int(bool(_TRANSPOSED.search(name.lower())))
    return Plan(name, "convolution", Layout(output_axis=axis))


def _is_stack(last: str) -> bool:
    return not (last.startswith(("weight", "original")) or "conv" in last)


def _matrix(
    name: str, last: str, shape: tuple[int, ...], shapes: Shapes, by_columns: bool
) -> Plan:
    if by_columns and _GPT2.search(name):
        return by_columns_plan(name, shape)
    gates = _gates(name, last, shape, shapes)
    if gates:
        parts = GATES.get(gates, tuple(map(str, range(gates))))
        return Plan(name, "recurrent", Layout(gates), parts)
    packed = last == "in_proj_weight" or re.search(r"(qkv|c_attn)\.weight$", name)
    if packed and shape[0] == 3 * shape[1]:
        return Plan(name, "attention", Layout(3, blocks=PACKED), PACKED)
    kind = "embedding" if re.search(r"embed|wte|wpe", name.lower()) else "linear"
    return Plan(name, kind, Layout())


def by_columns_plan(name: str, shape: tuple[int, ...]) -> Plan:
    """Return how a weight is seen whose columns are outputs, as GPT-2 stores them."""
    if name.endswith("c_attn.weight") and shape[1] == 3 * shape[0]:
        layout = Layout(3, blocks=PACKED)
        return Plan(name, "attention", layout, PACKED, transposed=True)
    return Plan(name, "linear", Layout(), transposed=True)


def _gates(name: str, last: str, shape: tuple[int, ...], shapes: Shapes) -> int:
    """Return how many gates a recurrent weight holds, 0 for what is none."""
    found = _RECURRENT.match(last)
    if not found:
        return 0
    stem, suffix = name[: len(name) - len(last)], found[2] or ""
    projected = shapes.get(f"{stem}weight_hr{suffix}")
    inner = shapes.get(f"{stem}weight_hh{suffix}")
    if inner is None or len(inner) != 2:
        return 0
    hidden = projected[1] if projected else inner[1]
    return shape[0] // hidden if hidden and shape[0] % hidden == 0 else 0
