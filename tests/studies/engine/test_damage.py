"""Damaged records and checkpoints, litter of the dead, and orphans."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from condlab.machine import files, processes
from studies.engine import store
from studies.engine.store import DamagedError, Store
from studies.engine.sweeps import Options, sweep
from tests.studies.engine.failing import posix, runs, task

ROOT = Path(__file__).parents[3]


def damaged(content, rng):
    """Return a file with a byte changed, a part cut, or two parts swapped."""
    kind = rng.randrange(3)
    at = rng.randrange(len(content))
    if kind == 0:
        flipped = bytes([content[at] ^ (1 << rng.randrange(8))])
        return content[:at] + flipped + content[at + 1 :]
    if kind == 1:
        return content[:at]
    other = rng.randrange(len(content))
    a, b = sorted((at, other))
    return content[b:] + content[a:b] + content[:a]


def test_no_damaged_record_or_checkpoint_is_taken_up(tmp_path):
    (config,) = runs(("plain",), tmp_path)
    (record,) = sweep("tiny", [config], task, Options("smoke", out=tmp_path, jobs=1))
    kept = Store(tmp_path / "tiny" / ".smoke")
    path, other = kept.folder / f"{record['key']}.json", kept.folder / "x.pt"
    state = {"step": 3, "net": {"w": torch.arange(50.0)}, "words": "ab"}
    store.save_checkpoint(other, state, {"code": "abc"})
    rng = random.Random(0)
    whole, saved = path.read_bytes(), other.read_bytes()
    for _ in range(500):
        path.write_bytes(damaged(whole, rng))
        same = path.read_bytes().strip() == whole.strip()
        if not same:
            with pytest.raises(DamagedError, match=path.name):
                kept.record(record["key"])
        other.write_bytes(damaged(saved, rng))
        if other.read_bytes() != saved:
            with pytest.raises(DamagedError, match="delete it to start that run anew"):
                store.load_checkpoint(other)
    other.write_bytes(saved)
    assert torch.equal(store.load_checkpoint(other)["net"]["w"], torch.arange(50.0))


def test_a_damaged_record_is_named_and_run_again(tmp_path, capsys):
    (config,) = runs(("plain",), tmp_path)
    options = Options("smoke", out=tmp_path, jobs=1)
    (record,) = sweep("tiny", [config], task, options)
    path = tmp_path / "tiny" / ".smoke" / f"{record['key']}.json"
    path.write_text(path.read_text().replace('"done"', '"dome"'))
    (again,) = sweep("tiny", [config], task, options)
    assert again["series"] == record["series"]
    error = capsys.readouterr().err
    assert f"{path} is damaged: it is not what its checksum is of" in error
    assert "that run starts anew" in error


def test_the_record_of_another_run_is_not_taken_up(tmp_path):
    configs = runs(("plain", "E"), tmp_path)
    options = Options("smoke", out=tmp_path, jobs=1)
    plain, other = sweep("tiny", configs, task, options)
    folder = tmp_path / "tiny" / ".smoke"
    (folder / f"{other['key']}.json").write_bytes(
        (folder / f"{plain['key']}.json").read_bytes()
    )
    with pytest.raises(DamagedError, match="is no whole record of its run"):
        Store(folder).record(other["key"])


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    files.replace(path, b"old")

    def full(_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        files.replace(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert path.read_bytes() == b"old"


@posix
def test_litter_of_the_dead_is_cleared_and_that_of_the_living_is_not(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = files._host()
    for pid in (dead.pid, os.getpid()):
        (tmp_path / f"a~{host}+{pid}+ab{files.SUFFIX}").touch()
    old, new = (tmp_path / f"{n}~elsewhere+1+ab{files.SUFFIX}" for n in "bc")
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    files.clear_litter(tmp_path)
    left = {
        path.name.partition("~")[2].partition("+")[0] for path in tmp_path.iterdir()
    }
    assert left == {host, "elsewhere"}
    assert len(list(tmp_path.iterdir())) == 2


@posix
def test_a_sweep_clears_what_a_killed_one_left(tmp_path):
    (config,) = runs(("plain",), tmp_path)
    options = Options("smoke", out=tmp_path, jobs=1)
    folder = tmp_path / "tiny" / ".smoke"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    litter = f"~{files._host()}+{dead.pid}+ab{files.SUFFIX}"
    folder.mkdir(parents=True)
    for place in (folder, folder.parent):
        (place / litter).touch()
    sweep("tiny", [config], task, options)
    left = {p.suffix for p in (tmp_path / "tiny").rglob("*") if p.is_file()}
    assert left == {".json", ".jsonl"}


@posix
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_soon_after_their_parent_is_killed(how, tmp_path):
    child = (
        "import sys, time; from condlab.machine.processes import end_with; "
        "end_with(sys.argv[1], int(sys.argv[2])); print(1, flush=True); time.sleep(60)"
    )
    code = (
        "import os, subprocess, sys\n"
        "import socket\n"
        "here = [socket.gethostname(), str(os.getpid())]\n"
        f"command = [sys.executable, '-c', {child!r}, *here]\n"
        "worker = subprocess.Popen(command, stdout=subprocess.PIPE)\n"
        "worker.stdout.readline()\n"
        "print(worker.pid, flush=True)\n"
        "worker.wait()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    worker = int(parent.stdout.readline())
    parent.send_signal(how)
    parent.wait()
    parent.stdout.close()
    for _ in range(200):
        if not processes.is_alive(worker):
            return
        time.sleep(0.05)
    pytest.fail("the worker outlived its parent by ten seconds")


def test_a_worker_of_another_host_or_of_itself_watches_nobody():
    processes.end_with("elsewhere", 1)
    processes.end_with(files._host(), os.getpid())
