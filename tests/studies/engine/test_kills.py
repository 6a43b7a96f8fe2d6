"""Sweeps of every study, killed at any moment: parents and workers alike."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from condlab.machine.processes import is_alive
from studies.__main__ import STUDIES
from studies.engine.store import read_lines
from tests.studies.engine.test_trials import timeless

KILLS = 13  # of each of the eight studies: more than a hundred
ORPHANS = 10.0  # seconds after which no worker may be left
WHERE = {
    "cwd": Path(__file__).parents[3],
    "env": {**os.environ, "OMP_NUM_THREADS": "1"},
    "stdout": subprocess.DEVNULL,
    "stderr": subprocess.DEVNULL,
}


def workers_of(pid):
    """Return the processes that a sweep started, and that run `attempt`s."""
    try:
        tasks = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has ended
        return []
    found = []
    for child in map(int, tasks):
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"LokyProcess" in command:
            found.append(child)
    return found


def kill_once(command, after, rng):
    """Start a sweep, and kill it or one of its workers; return if it ended alone."""
    sweep = subprocess.Popen(command, **WHERE)
    time.sleep(after)
    workers = workers_of(sweep.pid)
    if workers and rng.random() < 0.5:
        os.kill(rng.choice(workers), signal.SIGKILL)
        sweep.wait(timeout=300)
        assert sweep.returncode == 0
    else:
        sweep.kill()
        sweep.wait()
    deadline = time.monotonic() + ORPHANS
    while any(map(is_alive, workers)):
        assert time.monotonic() < deadline, "a worker outlived the sweep"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("study", STUDIES)
def test_a_sweep_that_is_killed_again_and_again_leaves_the_same_records(
    study, tmp_path
):
    command = [sys.executable, "-m", "studies", study, "--jobs", "2", "--out"]
    rng = random.Random(study)
    begun = time.perf_counter()
    subprocess.run([*command, tmp_path / "whole"], check=True, **WHERE)
    seconds = time.perf_counter() - begun
    for _ in range(KILLS):
        kill_once([*command, tmp_path / "killed"], rng.uniform(0, seconds), rng)
        if not any((tmp_path / "killed").rglob("*.pt")) and rng.random() < 0.5:
            kept = list((tmp_path / "killed").rglob("*.json"))
            for path in kept[: len(kept) // 2]:  # so that there is always more to do
                path.unlink()
    subprocess.run([*command, tmp_path / "killed"], check=True, **WHERE)
    whole, again = (
        timeless(read_lines(tmp_path / name / study / "smoke.jsonl"))
        for name in ("whole", "killed")
    )
    for record in (*whole, *again):
        del record["commit"], record["dirty"]  # of a tree that is being worked on
    assert whole == again
    left = {path.suffix for path in (tmp_path / "killed").rglob("*") if path.is_file()}
    assert left <= {".json", ".jsonl"}
