"""The command line as a process, and what it says while it works."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time

import pytest

from condlab.cli import _text


def condlab_process(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "condlab", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_process_prints_a_table_and_exits_0():
    process = condlab_process("scale", "gallery:graded:6")
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "jacobi" in out


def test_process_exits_2_with_one_line_for_a_missing_file():
    process = condlab_process("scale", "missing.mtx")
    out, err = process.communicate()
    assert process.returncode == 2
    assert (out, err) == ("", "condlab: missing.mtx: there is no such file\n")


def test_reader_that_leaves_early_is_no_error():
    process = condlab_process("list", "gallery")
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 141
    assert err == ""


def test_ascii_terminal_gets_replacement_characters():
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    process = condlab_process("list", "gallery", env=environment)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "L?uchli" in out


def test_cond_loads_no_optional_package_and_no_other_command():
    code = (
        "import sys; from condlab.cli import main; main(['cond', 'gallery:moler:4']);"
        "heavy = {'torch', 'hypothesis', 'matplotlib', 'flint', 'sklearn', 'pooch',"
        " 'scipy.io', 'scipy.optimize', 'condlab.optimal', 'condlab.cli._report'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("[]\n")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("patience", "said"), [(0.02, True), (30.0, False)])
def test_progress_speaks_only_when_it_takes_long(monkeypatch, patience, said):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(_text, "PATIENCE", patience)
    with _text.StatusLine() as progress:
        progress("working")
        deadline = time.monotonic() + 5
        while said and "working" not in terminal.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert ("working" in terminal.getvalue()) == said
    assert terminal.getvalue().endswith("\x1b[K") == said  # nothing is left behind


def test_progress_is_silent_where_stderr_is_no_terminal(capsys, monkeypatch):
    monkeypatch.setattr(_text, "PATIENCE", 0.0)
    with _text.StatusLine() as progress:
        progress("working")
        time.sleep(0.05)
    assert capsys.readouterr().err == ""
