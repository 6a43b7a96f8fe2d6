"""What tests of commands share: a command that succeeds, and one that must not."""

from __future__ import annotations

import pytest

from condlab.cli import main


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run(capsys):
    """Run a command that must succeed, and return what it printed."""

    def run_(*argv):
        assert main(list(argv)) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run_


@pytest.fixture
def complaint(capsys):
    """Run a command that must fail with one line, and return the line."""

    def complaint_(*argv):
        assert main(list(argv)) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.endswith("\n")
        assert err.count("\n") == 1
        assert err.startswith("condlab")
        return err

    return complaint_
