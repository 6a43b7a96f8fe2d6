"""Runs that fail when they are told to."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from studies.engine.configs import grid
from tests.studies.engine.tiny import tiny_task

posix = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


@dataclass(frozen=True)
class Config:
    arm: str = "plain"
    lr: float = 0.1
    seed: int = 0
    steps: int = 4
    marks: str = ""


def task(config, _options):
    """Return the tiny task, which raises, or kills its worker once or always."""
    marker = Path(config.marks) / f"{config.arm}-{config.lr}-{config.seed}"
    if config.arm == "raises":
        raise ZeroDivisionError("no such arm")
    if config.arm == "dies" or (config.arm == "dies once" and not marker.exists()):
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return tiny_task()


def runs(arms, tmp_path, seeds=1, rates=(0.1,)):
    (tmp_path / "marks").mkdir(exist_ok=True)
    base = Config(marks=str(tmp_path / "marks"))
    return grid(base, arms, rates, range(seeds))
