"""Arrays as functions of Hypothesis's choices: one choice an entry and nothing else.

A strategy an entry, as `hypothesis.extra.numpy.arrays` has it, takes three times as
long and shrinks to the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from hypothesis.internal.conjecture.utils import calc_label_from_name
from hypothesis.strategies import SearchStrategy

if TYPE_CHECKING:
    from hypothesis.internal.conjecture.data import ConjectureData

Draw: TypeAlias = "Callable[[ConjectureData], np.ndarray]"


class Drawn(SearchStrategy[np.ndarray]):
    """The strategy of what a function draws.

    Parameters
    ----------
    name : str
        For messages, and what is swapped within an example is of the same name.
    draw : callable
        ``draw(data)`` returns an array.
    """

    def __init__(self, name: str, draw: Draw) -> None:
        super().__init__()
        self._name = name
        self._draw = draw

    def __repr__(self) -> str:
        return self._name

    def calc_label(self) -> int:
        return calc_label_from_name(self._name)

    def do_draw(self, data: ConjectureData) -> np.ndarray:
        return self._draw(data)


def integers(
    data: ConjectureData, shape: tuple[int, ...], low: int, high: int
) -> np.ndarray:
    """Draw integers, each shrinking to zero or the end next to it."""
    towards = min(max(low, 0), high)
    entries = [
        data.draw_integer(low, high, shrink_towards=towards)
        for _ in range(int(np.prod(shape)))
    ]
    return np.array(entries, dtype=float).reshape(shape)


def powers(data: ConjectureData, shape: tuple[int, ...], exponent: int) -> np.ndarray:
    """Draw powers of two from 2^-exponent to 2^exponent, each shrinking to one."""
    return 2.0 ** integers(data, shape, -exponent, exponent)


def any_of(data: ConjectureData, kinds: Sequence[Draw]) -> np.ndarray:
    """Draw by one of some functions, shrinking to the first."""
    return kinds[data.draw_integer(0, len(kinds) - 1)](data)
