"""One method on one problem, in a process of its own, on one thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import NotRequired, TypedDict

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Result(TypedDict):
    """What came out: numbers where the outcome is "ok", or else why there are none."""

    outcome: str
    seconds: NotRequired[float]
    cpu_seconds: NotRequired[float]
    kappa: NotRequired[float]
    error: NotRequired[float]
    gap: NotRequired[float]
    iterations: NotRequired[int]
    lower: NotRequired[float]


def failure(error: Exception) -> Result:
    """Return what a method raised, which is its answer."""
    if isinstance(error, ModuleNotFoundError):
        return {"outcome": f"skipped: {error.name} is not installed"}
    return {"outcome": f"{type(error).__name__}: {error}"[:120]}


def in_a_child(module: str, problem: str, method: str, timeout: float | None) -> Result:
    """Return what a benchmark prints for ``--one PROBLEM METHOD``."""
    environment = os.environ | dict.fromkeys(THREADS, "1")
    command = [sys.executable, "-W", "ignore", "-m", module, "--one", problem, method]
    try:
        child = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return {"outcome": f"no answer in {timeout:.0f} s"}
    if child.returncode:
        return {"outcome": f"ended with code {child.returncode}"}
    found: Result = json.loads(child.stdout.splitlines()[-1])
    return found
