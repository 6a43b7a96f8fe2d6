"""What a run's record holds, and what else is kept of one, as JSON has it.

Records are dicts, so that the bytes of a line are those of its keys; these are their
types. `is_record` is the edge at which a line of a file becomes one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import Field
from typing import ClassVar, Literal, NotRequired, Protocol, TypedDict, TypeGuard

Number = float | str | None  # as `number` writes: infinity is "inf", and nan None
Values = Mapping[str, float | str]  # what is measured: numbers, or how one was found
Series = dict[str, list[list[Number]]]  # name -> [step, value], steps ascending
Table = Mapping[str, Number | Sequence[Number]]  # of a network: columns by layers


class Config(Protocol):
    """What every study's frozen dataclass of one run has at least."""

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]

    @property
    def arm(self) -> str:
        """Return the name of what is done to the weights."""

    @property
    def lr(self) -> float:
        """Return the learning rate."""

    @property
    def seed(self) -> int:
        """Return the seed of all that is drawn."""

    @property
    def steps(self) -> int:
        """Return how many updates are made."""


class Settings(TypedDict):
    """The same within a record; each study has more than these."""

    arm: str
    lr: float
    seed: int
    steps: int
    activation: NotRequired[str]
    batch: NotRequired[int]
    data: NotRequired[str]
    kind: NotRequired[str]
    experiment: NotRequired[str]
    network: NotRequired[str]
    problem: NotRequired[str]
    schedule: NotRequired[str]


class Commit(TypedDict):
    """Where the sources stood, for people."""

    commit: str | None
    dirty: bool | None


class Provenance(Commit):
    """What made a run, as `studies.engine.provenance` finds it."""

    code: str
    versions: dict[str, str]
    device: str
    data_digest: str | None
    ranks: int


class Record(TypedDict):
    """One run, as a line of ``STUDY/PRESET.jsonl`` has it.

    What may lack is not in records of older code, or of runs that failed.
    """

    study: str
    preset: str
    key: str
    config: Settings
    status: Literal["done", "diverged", "failed"]
    seconds: float
    series: Series
    tables: dict[str, Table]
    probe_seconds: NotRequired[float]
    curvature_revision: NotRequired[int]
    accumulate: NotRequired[int]
    error: NotRequired[str]
    sum: NotRequired[str]
    commit: NotRequired[str | None]
    dirty: NotRequired[bool | None]
    code: NotRequired[str]
    versions: NotRequired[dict[str, str]]
    device: NotRequired[str]
    data_digest: NotRequired[str | None]
    ranks: NotRequired[int]


class Marker(TypedDict):
    """Since when a run goes on, and where."""

    host: str
    pid: int
    time: float
    alive: bool


NEEDED = ("study", "preset", "config", "status", "series", "tables")
PAIRED = ("arm", "lr", "seed", "steps")  # of the config


def is_record(line: Mapping[str, object]) -> TypeGuard[Record]:
    """Tell whether a line has what every analysis of a run asks for."""
    config = line.get("config")
    return (
        all(name in line for name in NEEDED)
        and isinstance(config, Mapping)
        and all(name in config for name in PAIRED)
        and all(isinstance(line[name], Mapping) for name in ("series", "tables"))
    )


def number(x: float) -> Number:
    """Return a float as records hold it: 6 digits, "inf" or "-inf", None for nan.

    ``float(...)`` reads the first two back.

    Examples
    --------
    >>> number(1 / 3), number(math.inf), number(math.nan)
    (0.333333, 'inf', None)
    """
    if math.isnan(x):
        return None
    return float(f"{x:.6g}") if math.isfinite(x) else str(x)


def as_float(x: Number) -> float:
    """Return the float that `number` wrote.

    Examples
    --------
    >>> as_float("inf"), as_float(None)
    (inf, nan)
    """
    return math.nan if x is None else float(x)


def points(series: Series, name: str) -> list[tuple[int, float]]:
    """Return the steps and numbers of a series; none where nothing was noted.

    Examples
    --------
    >>> points({"loss": [[0, 2.0], [10, "inf"]]}, "loss")
    [(0, 2.0), (10, inf)]
    """
    return [(int(as_float(k)), as_float(x)) for k, x in series.get(name, ())]
