"""Instances and numbers as JSON, and back.

Instances are kept to the last bit, for what is printed must be what was certified.
Every other float is rounded to 12 digits, so that the last bits of a linear algebra
library do not change the files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from condlab.machine.files import replace_text
from condlab.types import Json, Record

DIGITS = 12


def number(x: float | None) -> float | str | None:
    """Return a float rounded to 12 digits, "inf" or "-inf", or None for nan.

    Examples
    --------
    >>> number(1 / 3), number(float("inf")), number(float("nan"))
    (0.333333333333, 'inf', None)
    """
    if x is None or math.isnan(x):
        return None
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    return float(f"{x:.{DIGITS}g}")


def as_float(x: float | str | None) -> float:
    """Return the float that `number` wrote.

    Examples
    --------
    >>> as_float("inf"), as_float(None)
    (inf, nan)
    """
    return math.nan if x is None else float(x)


def encode(instance: object) -> Json:
    """Return an instance as JSON: arrays as nested lists, exactly.

    Examples
    --------
    >>> encode((np.eye(2), 3))
    {'tuple': [{'array': [[1.0, 0.0], [0.0, 1.0]]}, 3]}
    """
    if isinstance(instance, tuple | list):
        kind = "tuple" if isinstance(instance, tuple) else "list"
        return {kind: [encode(part) for part in instance]}
    if isinstance(instance, np.ndarray) and instance.dtype.kind in "fiub":
        return {"array": instance.tolist()}
    if isinstance(instance, np.generic):
        return encode(instance.item())
    if isinstance(instance, float) and not math.isfinite(instance):
        return {"float": str(instance)}
    if instance is None or isinstance(instance, bool | int | float | str):
        return instance
    return {"repr": repr(instance)}  # to be read, not to be run


def decode(value: Json) -> object:
    """Return the instance that `encode` wrote.

    Raises
    ------
    ValueError
        If the instance was of a kind that is only printed.

    Examples
    --------
    >>> decode({"array": [[1.0, 0.0]]})
    array([[1., 0.]])
    """
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind in ("tuple", "list"):
        return (tuple if kind == "tuple" else list)(decode(part) for part in content)
    if kind == "array":
        return np.array(content)
    if kind == "float":
        return float(content)
    raise ValueError(f"only arrays and numbers can be read back, got {content}")


def write(path: Path, head: Record, name: str, rows: Iterable[Record]) -> None:
    """Write `head` and the list `name`, one row a line, keys sorted."""
    lines = ",\n".join(_dump(row) for row in rows)
    first = _dump(head).removesuffix("}")
    comma = ", " if head else ""
    text = f'{first}{comma}"{name}": [\n{lines}\n]}}\n'
    replace_text(path, text)


def _dump(value: Record) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
