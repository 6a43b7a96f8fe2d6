"""How a report behaves as work of minutes: refused at once, ended as a whole."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from condlab import report
from condlab.cli import _text
from condlab.report import collect

PROC = Path("/proc")


def test_folder_that_cannot_be_made_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(collect, "collect", lambda *_: pytest.fail("began to work"))
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match=r"needs a folder to write 16 MiB to, and "):
            report.build(out)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_is_read_only_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(collect, "collect", lambda *_: pytest.fail("began to work"))
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="Permission denied"):
        report.build(tmp_path)


def test_full_disk_is_noticed_before_any_work_and_nothing_is_left(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(collect, "collect", lambda *_: pytest.fail("began to work"))

    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

        def write(self, _):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(report.tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(OSError, match="No space left on device"):
        report.build(tmp_path / "out")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def workers_of(pid):
    """Return the worker processes of a process."""
    listed = (PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
    return [int(child) for child in listed if "spawn_main" in command(child)]


def command(pid):
    try:
        return (PROC / str(pid) / "cmdline").read_text()
    except OSError:  # it has gone
        return ""


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@pytest.mark.skipif(not PROC.exists(), reason="needs the processes of Linux")
@pytest.mark.parametrize(
    "how", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)]
)
def test_workers_end_with_the_process_that_started_them(tmp_path, how):
    code = (
        "import time; from multiprocessing import get_context;"
        "from concurrent.futures import ProcessPoolExecutor;"
        "from condlab.report.collect import _leave_with_parent;"
        "spawn = get_context('spawn');"
        "pool = ProcessPoolExecutor(2, spawn, initializer=_leave_with_parent);"
        "tasks = [pool.submit(time.sleep, 600) for _ in range(4)];"
        "tasks[0].result()"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    workers = until(
        lambda: len(workers_of(process.pid)) == 2 and workers_of(process.pid)
    )
    process.send_signal(how)
    assert process.wait() == -how
    until(lambda: not any("spawn_main" in command(pid) for pid in workers))


def test_long_work_without_a_terminal_says_how_far_it_is(monkeypatch):
    monkeypatch.setattr(_text, "PATIENCE", 0.01)
    monkeypatch.setattr(_text, "_LINE", 0.01)
    said = io.StringIO()  # pytest's own loses what a thread writes while it is read
    monkeypatch.setattr("sys.stderr", said)
    patience = time.monotonic() + 60  # a busy machine takes its time
    with _text.StatusLine() as progress:
        progress.in_lines()
        progress("12 of 377: a-key")
        while said.getvalue().count("\n") < 2 and time.monotonic() < patience:
            time.sleep(0.01)
    lines = said.getvalue().splitlines()
    assert len(lines) > 1
    assert all(re.fullmatch(r"12 of 377: a-key \.\.\. \d+ s", line) for line in lines)
