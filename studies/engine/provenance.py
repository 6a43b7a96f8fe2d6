"""What made a run: code, versions, device, data and processes."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import torch

import condlab
from studies.engine import ranks
from studies.engine.records import Commit, Provenance

ROOT = Path(__file__).resolve().parents[2]
MADE_BY = ("code", "versions", "device", "data_digest", "ranks")
LISTED = 2  # levels of a data folder whose names and sizes are looked at


def provenance(device: torch.device, data: Path | None = None) -> Provenance:
    """Return what a record says of its making.

    Parameters
    ----------
    device : torch.device
        Where it trains.
    data : pathlib.Path, optional
        The folder of data sets.

    Returns
    -------
    dict
        ``commit`` and ``dirty`` are for people. What `MADE_BY` names must be the same
        for runs to be compared: ``code`` is a digest of the sources, which a commit of
        documents does not change, and ``data_digest`` of names and sizes, or of the
        one file that was given.
    """
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    versions = {
        "condlab": condlab.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    return {
        **_commit(),
        "code": _code(),
        "versions": versions,
        "device": name,
        "data_digest": None if data is None else _listing(data),
        "ranks": ranks.count(),
    }


def differences(there: Mapping[str, object], here: Mapping[str, object]) -> list[str]:
    """Return in words where two runs were not made alike.

    Examples
    --------
    >>> differences({"ranks": 2}, {"ranks": 1})
    ['ranks 2 and not 1']
    """
    return [
        f"{name} {_short(there.get(name))} and not {_short(here.get(name))}"
        for name in MADE_BY
        if there.get(name) != here.get(name)
    ]


def _short(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {version}" for name, version in value.items())
    return "unknown" if value is None else str(value)


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for package in ("condlab", "studies"):
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(str(path.relative_to(ROOT)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _listing(folder: Path) -> str:
    if folder.is_file():
        content = folder.name.encode() + folder.read_bytes()
        return hashlib.sha256(content).hexdigest()[:16]
    found = sorted(
        (str(path.relative_to(folder)), path.stat().st_size)
        for level in range(1, LISTED + 1)
        for path in folder.glob("/".join("*" * level))
        if path.is_file()
    )
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]


@cache
def _commit() -> Commit:
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
