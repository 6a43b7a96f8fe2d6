"""Numbers, tables and progress for a terminal of 80 columns."""

from __future__ import annotations

import json
import math
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from types import TracebackType

import numpy as np

from condlab.display.digits import bracket, floor, number, shown

__all__ = [
    "StatusLine", "as_json", "bracket", "excess", "floor", "instance", "number",
    "shown", "table", "width", "wrapped",
]  # fmt: skip

TWICE = 2.0  # from here on a factor reads better than a percentage
LEAST_PERCENT = Decimal("0.001")  # what is less is rounding, and shown as this
PATIENCE = 2.0  # seconds without a word
_TICK = 0.5
_LINE = 15.0  # seconds between lines where there is no terminal


def excess(ratio: float) -> str:
    """Return how far a ratio may be above one: in percent, rounded up, or as a factor.

    What is less than a thousandth of a percent is called that.

    Examples
    --------
    >>> excess(1.000151), excess(1 + 6.7e-15), excess(1.5), excess(math.inf)
    ('0.016 %', '0.001 %', '50 %', 'inf x')
    """
    if not 1 < ratio < TWICE:
        return f"{number(ratio, 3)} x" if ratio != 1 else "0 %"
    percent = max(Decimal(ratio) * 100 - 100, LEAST_PERCENT)
    step = Decimal(1).scaleb(percent.adjusted() - 1)
    return f"{(percent / step).to_integral_value(ROUND_CEILING) * step:f} %"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: set[int]) -> str:
    """Return aligned columns, two spaces apart; those in `right` end together."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if k in right else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (header, *rows)
    )


def instance(names: Sequence[str], found: object) -> list[str]:
    """Return the parts of an instance by name, each array on lines of its own."""
    parts = found if isinstance(found, tuple) else (found,)
    unnamed = (f"part {k + 1}" for k in range(len(names), len(parts)))
    lines = []
    for name, part in zip([*names, *unnamed][: len(parts)], parts, strict=True):
        text = np.array2string(np.asarray(part), separator=", ").splitlines()
        label = f"  {name} = "
        lines += [label + text[0], *(" " * len(label) + line for line in text[1:])]
    return lines


def width() -> int:
    """Return the width of the terminal, at most what reads well."""
    return min(shutil.get_terminal_size().columns, 100)


def wrapped(text: str) -> str:
    """Return a sentence in lines of the terminal, later ones indented.

    Examples
    --------
    >>> print(wrapped("a sentence " * 9))
    a sentence a sentence a sentence a sentence a sentence a sentence a sentence
      a sentence a sentence
    """
    return textwrap.fill(
        text,
        width(),
        subsequent_indent="  ",
        break_long_words=False,  # paths stay whole, to be copied
        break_on_hyphens=False,
    )


def as_json(record: object) -> str:
    """Return JSON in which infinities are "inf" and what is not a number is null.

    Examples
    --------
    >>> as_json({"upper": math.inf, "ratio": math.nan, "size": (2, 3)})
    '{"upper": "inf", "ratio": null, "size": [2, 3]}'
    """
    return json.dumps(_plain(record), allow_nan=False, ensure_ascii=False, default=str)


def _plain(value: object) -> object:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


class StatusLine:
    """Say on a terminal what is being done, once it has taken two seconds.

    A thread speaks, so that a single long factorisation is not silent.
    """

    def __init__(self) -> None:
        self._label = ""
        self._lines = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._speak, daemon=True)

    def __call__(self, label: str) -> None:
        """Change what is being said."""
        self._label = label

    def in_lines(self) -> None:
        """Speak without a terminal too, a line every so often: for work of minutes."""
        if self._thread.ident is None:
            self._lines = True
            self._thread.start()

    def __enter__(self) -> StatusLine:
        """Begin to count the seconds."""
        if sys.stderr.isatty():
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the line off the terminal."""
        self._done.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _speak(self) -> None:
        start, said = time.monotonic(), False
        wait = PATIENCE
        while not self._done.wait(wait):
            text = f"{self._label[:66]} ... {time.monotonic() - start:.0f} s"
            if self._lines:
                print(text, file=sys.stderr, flush=True)
                wait = _LINE
                continue
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            wait, said = _TICK, True
        if said:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
