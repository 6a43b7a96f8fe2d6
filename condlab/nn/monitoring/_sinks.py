"""Where a monitor's records go."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol, TypeGuard

Record = Mapping[str, float]  # "step", and numbers by what they are


class Writer(Protocol):
    """What writes scalars, as TensorBoard does."""

    def add_scalar(self, name: str, value: float, step: float, /) -> object:
        """Take a number."""


class Run(Protocol):
    """What logs numbers, as Weights & Biases do."""

    def log(self, numbers: dict[str, float], /, *, step: float) -> object:
        """Take the numbers of a step."""


class Sink(Protocol):
    """Takes records, and forgets those of steps that will come again."""

    def __call__(self, record: Record) -> None:
        """Take a record, whose "step" is an integer."""

    def rewind(self, step: int) -> None:
        """Forget what was recorded after a step."""


def sink_of(given: object) -> Sink:
    """Return what writes records to a path, a writer of scalars, a run or a function.

    A path ends in .csv or .jsonl; a writer has TensorBoard's ``add_scalar``; a run has
    the ``log`` of Weights & Biases.
    """
    if isinstance(given, str | os.PathLike):
        path = Path(given)
        if path.suffix not in (".csv", ".jsonl"):
            raise ValueError(f"a sink's file must end in .csv or .jsonl, got {path}")
        if not path.parent.is_dir():
            raise ValueError(f"there is no directory {path.parent} for {path.name}")
        return CsvFile(path) if path.suffix == ".csv" else JsonLines(path)
    if _is_writer(given):
        return Calls(partial(_add_scalars, given))
    if _is_run(given):
        return Calls(partial(_log, given))
    if callable(given):
        return Calls(given)
    raise TypeError(
        "a sink must be a path to .csv or .jsonl, a function of a record, a writer of "
        f"TensorBoard or a run of W&B, got {type(given).__name__}"
    )


def _is_writer(given: object) -> TypeGuard[Writer]:
    return hasattr(given, "add_scalar")


def _is_run(given: object) -> TypeGuard[Run]:
    return hasattr(given, "log") and not callable(given)


def _add_scalars(writer: Writer, record: Record) -> None:
    for name, value in record.items():
        if name != "step" and isinstance(value, int | float):
            writer.add_scalar(name, value, record["step"])


def _log(run: Run, record: Record) -> None:
    run.log({n: v for n, v in record.items() if n != "step"}, step=record["step"])


class Calls:
    """Hands records on."""

    def __init__(self, function: Callable[[Record], object]) -> None:
        self.function = function

    def __call__(self, record: Record) -> None:
        """Call the function."""
        self.function(record)

    def rewind(self, step: int) -> None:
        """Leave to the receiver what it has."""


class JsonLines:
    """A line of JSON for each record; infinities are the strings "inf" and "-inf"."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, record: Record) -> None:
        """Append a line."""
        with self.path.open("a") as file:
            file.write(json.dumps({k: _plain(v) for k, v in record.items()}) + "\n")

    def rewind(self, step: int) -> None:
        """Keep the whole lines up to a step."""

        def kept(line: str) -> bool:
            try:
                return line.endswith("\n") and json.loads(line)["step"] <= step
            except (ValueError, KeyError, TypeError):
                return False  # of a process that was killed while it wrote

        _keep(self.path, kept)


class CsvFile:
    """Three columns: step, what, value. So the layers may change."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, record: Record) -> None:
        """Append a line for each number."""
        new = not self.path.exists() or self.path.stat().st_size == 0
        with self.path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if new:
                writer.writerow(("step", "what", "value"))
            step = record["step"]
            writer.writerows((step, k, v) for k, v in record.items() if k != "step")

    def rewind(self, step: int) -> None:
        """Keep the head and the whole lines up to a step."""

        def kept(line: str) -> bool:
            first = line.split(",", maxsplit=1)[0]
            whole = line.endswith("\n")
            return whole and (
                first == "step" or (first.isdigit() and int(first) <= step)
            )

        _keep(self.path, kept)


def _plain(value: float) -> float | str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _keep(path: Path, kept: Callable[[str], bool]) -> None:
    if not path.exists():
        return
    lines = path.read_text().splitlines(keepends=True)
    good = [line for line in lines if kept(line)]
    if good != lines:
        other = path.with_name(f".{path.name}.part")
        other.write_text("".join(good))
        other.replace(path)
