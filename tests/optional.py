"""Packages that `make quick` lacks: the package, or what skips a test that uses it."""

import importlib

import pytest

__all__ = ["given", "hnp", "mpmath", "st", "torch"]


class Absent:
    """A package that is not installed: whoever asks for its contents is skipped."""

    def __init__(self, name):
        self.name = name

    def __getattr__(self, attribute):
        if attribute.startswith("_"):  # Python itself asks, and pytest
            raise AttributeError(attribute)
        pytest.skip(f"needs {self.name}")


class Undrawn:
    """Strategies that are written down and never drawn from."""

    def __getattr__(self, _):
        return self

    def __call__(self, *_, **__):
        return self


def imported(name):
    """Return a package, or its stand-in."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return Absent(name)


def no_examples(*_, **__):
    """Skip a test whose arguments cannot be drawn."""
    return pytest.mark.skip(reason="needs hypothesis")


mpmath, torch = imported("mpmath"), imported("torch")
try:
    from hypothesis import given
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp
except ModuleNotFoundError:
    given, st, hnp = no_examples, Undrawn(), Undrawn()
