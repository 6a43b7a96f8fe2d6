"""Where runs are kept: one file a run, whole or not there, found by its config."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import pickle
import platform
import subprocess
import zipfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import condlab

Record = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True, slots=True)
class Store:
    """A folder of finished records, and of checkpoints of the others.

    Parameters
    ----------
    folder : pathlib.Path
        Made when something is first written.
    """

    folder: Path

    def record(self, key: str) -> Record | None:
        """Return the finished record with that key, or None."""
        path = self.folder / f"{key}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def finish(self, record: Record) -> None:
        """Keep a finished record; its checkpoint is needed no more."""
        _replace(self.folder / f"{record['key']}.json", (to_line(record)).encode())
        self.checkpoint(record["key"]).unlink(missing_ok=True)

    def checkpoint(self, key: str) -> Path:
        """Return where the checkpoint of an unfinished run is, if there is one."""
        return self.folder / f"{key}.pt"


def key_of(config: Any) -> str:
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


def number(x: float) -> float | str | None:
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


def to_line(record: Record) -> str:
    """Return a record as one line of JSON, keys sorted, without spaces."""
    short = (",", ":")
    return json.dumps(record, sort_keys=True, allow_nan=False, separators=short) + "\n"


def write_lines(path: Path, records: Iterable[Record]) -> None:
    """Write one record a line, all or nothing."""
    _replace(path, "".join(map(to_line, records)).encode())


def read_lines(path: Path) -> list[Record]:
    """Read what `write_lines` wrote."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and numbers so that a kill leaves the old file or the new one."""
    partial = _partial(path)
    with partial.open("wb") as file:
        torch.save(state, file)
        _sync(file)
    partial.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Return what `save_checkpoint` wrote, or None if it never did.

    Raises
    ------
    ValueError
        If the file is damaged, which a kill cannot do.
    """
    if not path.exists():
        return None
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except (
        RuntimeError,
        OSError,
        EOFError,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
    ) as e:
        raise ValueError(
            f"{path} is no whole checkpoint; delete it to start that run anew"
        ) from e


def provenance(device: torch.device) -> Record:
    """Return commit, versions and device for a record."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    versions = {
        "condlab": condlab.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    return {**_commit(), "versions": versions, "device": name}


@cache
def _commit() -> Record:
    try:
        commit = _git("rev-parse", "HEAD")
        dirty = bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):  # no git, or no clone
        return {"commit": None, "dirty": None}
    return {"commit": commit, "dirty": dirty}


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _replace(path: Path, content: bytes) -> None:
    partial = _partial(path)
    with partial.open("wb") as file:
        file.write(content)
        _sync(file)
    partial.replace(path)


def _partial(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{path.name}.{os.getpid()}.partial")


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
