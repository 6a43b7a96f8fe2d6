"""Where runs are kept: one file a run, whole or not there, found by its config."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, TypedDict

import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

from condlab.machine.files import replace
from condlab.machine.processes import is_alive
from studies.engine.records import (
    NEEDED,
    PAIRED,
    Config,
    Marker,
    Record,
    Series,
    Table,
    is_record,
)

MAGIC = b"condlab-run-1 "
FAILED: Literal["failed"] = "failed"  # the run raised, or lost its worker twice


class DamagedError(ValueError):
    """A file that is not as it was written."""


class Checkpoint(TypedDict):
    """What is kept of a run that has not ended."""

    step: int
    series: Series
    tables: dict[str, Table]
    seconds: float
    probe_seconds: float
    net: dict[str, Tensor]
    optimiser: StateDict
    loss_sum: Tensor


@dataclasses.dataclass(frozen=True, slots=True)
class Store:
    """A folder of records, of checkpoints of unfinished runs, and of what failed.

    Parameters
    ----------
    folder : pathlib.Path
        Made when something is first written.
    """

    folder: Path

    def record(self, key: str) -> Record | None:
        """Return the finished record with that key, or None.

        Raises
        ------
        DamagedError
            If the file is not what `finish` wrote for that key.
        """
        return self._read(self.folder / f"{key}.json", key)

    def failure(self, key: str) -> Record | None:
        """Return the record of the last attempt, where that failed, or None."""
        return self._read(self.folder / f"{key}.failed.json", key)

    def _read(self, path: Path, key: str) -> Record | None:
        if not path.exists():
            return None
        (record, *rest) = read_lines(path) or [{}]
        own = record.get("key") == key and "sum" in record
        if rest or not own or not is_record(record):
            raise DamagedError(f"{path} is no whole record of its run")
        return record

    def begin(self, key: str) -> None:
        """Note that a run has begun here; what failed before counts no more."""
        here = {"host": socket.gethostname(), "pid": os.getpid(), "time": time.time()}
        replace(self._running(key), json.dumps(here).encode())
        for suffix in ("json", "txt"):
            (self.folder / f"{key}.failed.{suffix}").unlink(missing_ok=True)

    def running(self, key: str) -> Marker | None:
        """Return since when a run goes on, and where, or None if it does not."""
        try:
            found = json.loads(self._running(key).read_text(encoding="utf-8"))
            here = found["host"] == socket.gethostname()
            return {
                "host": found["host"],
                "pid": found["pid"],
                "time": found["time"],
                "alive": is_alive(found["pid"]) if here else True,
            }
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def forget_the_dead(self, key: str) -> None:
        """Delete the note that a run goes on, where its process has died."""
        marker = self.running(key)
        if marker is None or not marker["alive"]:
            self._running(key).unlink(missing_ok=True)

    def finish(self, record: Record) -> Record:
        """Keep a finished record; its checkpoint is needed no more."""
        record = {**record, "sum": checksum(record)}
        replace(self.folder / f"{record['key']}.json", to_line(record).encode())
        self.checkpoint(record["key"]).unlink(missing_ok=True)
        self._running(record["key"]).unlink(missing_ok=True)
        return record

    def fail(self, record: Record, trace: str) -> Record:
        """Keep the record of a run that failed, and the traceback beside it."""
        record = {**record, "sum": checksum(record)}
        path = self.folder / f"{record['key']}.failed.json"
        replace(path.with_suffix(".txt"), trace.encode())
        replace(path, to_line(record).encode())
        self._running(record["key"]).unlink(missing_ok=True)
        return record

    def forget(self, key: str) -> None:
        """Delete all that is kept of a run."""
        for path in self.folder.glob(f"{key}.*"):
            path.unlink(missing_ok=True)

    def checkpoint(self, key: str) -> Path:
        """Return where the checkpoint of an unfinished run is, if there is one."""
        return self.folder / f"{key}.pt"

    def _running(self, key: str) -> Path:
        return self.folder / f"{key}.running"


def key_of(config: Config) -> str:
    """Return the name of a run: a hash of all that its frozen config says.

    Examples
    --------
    >>> @dataclasses.dataclass(frozen=True)
    ... class Config:
    ...     lr: float = 0.1
    >>> key = key_of(Config())
    >>> key == key_of(Config(lr=0.1)), key == key_of(Config(lr=0.2))
    (True, False)
    """
    text = json.dumps(dataclasses.asdict(config), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def to_line(record: Mapping[str, object]) -> str:
    """Return a record as one line of JSON, keys sorted, without spaces."""
    short = (",", ":")
    return json.dumps(record, sort_keys=True, allow_nan=False, separators=short) + "\n"


def checksum(record: Mapping[str, object]) -> str:
    """Return the checksum of all that a record says but its "sum"."""
    rest = {name: value for name, value in record.items() if name != "sum"}
    return hashlib.sha256(to_line(rest).encode()).hexdigest()[:16]


def write_lines(path: Path, records: Iterable[Mapping[str, object]]) -> None:
    """Write one record a line, all or nothing."""
    replace(path, "".join(map(to_line, records)).encode())


def read_records(path: Path) -> list[Record]:
    """Read the runs of a preset.

    Raises
    ------
    DamagedError
        As `read_lines` does, or if a line is no run's.
    """
    records = []
    for k, line in enumerate(read_lines(path), start=1):
        if not is_record(line):
            raise DamagedError(
                f"line {k} of {path} is no record of a run, which says its "
                f"{', '.join(NEEDED)}, and in the config {', '.join(PAIRED)}"
            )
        records.append(line)
    return records


def read_lines(path: Path) -> list[dict[str, object]]:
    """Read what `write_lines` wrote.

    Raises
    ------
    DamagedError
        If a line is no record, or not the one that its checksum was made of; the
        message says where.
    """
    try:
        lines = path.read_bytes().decode().splitlines()
    except UnicodeDecodeError as error:
        raise DamagedError(f"{path} is damaged: it is no text") from error
    return [_record(line, path, k) for k, line in enumerate(lines, start=1)]


def _record(line: str, path: Path, k: int) -> dict[str, object]:
    try:
        record: dict[str, object] = json.loads(line)
        found = checksum(record)
    except (ValueError, AttributeError) as error:
        raise DamagedError(f"line {k} of {path} is damaged: it is no record") from error
    if record.get("sum", found) != found:  # older records have none
        raise DamagedError(
            f"line {k} of {path} is damaged: it is not what its checksum is of"
        )
    return record


def save_checkpoint(
    path: Path, state: Checkpoint, made_by: Mapping[str, object] | None = None
) -> None:
    """Write tensors and numbers so that a kill leaves the old file or the new one.

    Parameters
    ----------
    path : pathlib.Path
        A line of JSON comes first: of what the rest is, and a checksum of it.
    state : dict
        Tensors, numbers, strings, and lists and dicts of them.
    made_by : dict, optional
        What the run is made by, as `made_by` gives back.
    """
    stream = io.BytesIO()
    torch.save(state, stream)
    rest = stream.getbuffer()
    head = {"made_by": made_by or {}, "content": hashlib.sha256(rest).hexdigest()}
    line = to_line({**head, "sum": checksum(head)})
    replace(path, MAGIC + line.encode() + rest)


def made_by(path: Path) -> Mapping[str, object] | None:
    """Return what a checkpoint says of its making, or None where there is none.

    Raises
    ------
    DamagedError
        If a byte of the file is not what `save_checkpoint` wrote.
    """
    return _checked(path)[0] if path.exists() else None


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Return what `save_checkpoint` wrote, or None if it never did.

    Raises
    ------
    DamagedError
        If the file is damaged, which a kill cannot do.
    """
    if not path.exists():
        return None
    rest = io.BytesIO(_checked(path)[1])
    saved: Checkpoint = torch.load(rest, weights_only=True, map_location="cpu")
    return saved


def _checked(path: Path) -> tuple[Mapping[str, object], bytes]:
    """Return what a checkpoint says of its making, and its state, as written."""
    line, _, rest = path.read_bytes().partition(b"\n")
    try:
        head = json.loads(line.removeprefix(MAGIC))
        whole = line.startswith(MAGIC) and checksum(head) == head["sum"]
        if whole and head["content"] == hashlib.sha256(rest).hexdigest():
            return head["made_by"], rest
    except (ValueError, AttributeError, KeyError):
        pass  # neither is it a line that was written
    raise DamagedError(
        f"{path} is no whole checkpoint; delete it to start that run anew"
    )
