"""Short clips of a digit that moves: their class is how it moves, not which it is.

The frames are a torus: what leaves at one edge comes in at the other. Where a digit
starts is drawn evenly from the whole torus, so that it is evenly anywhere in every
frame, however it moves: of a clip's class a single frame says nothing at all. A clip
played backwards has the same frames, and the class of the opposite move: without their
order nobody is right more than half the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from studies.data import Images, load

SIDE, FRAMES = 16, 8
COUNTS = (8000, 1024)  # clips to train and to test with
SPEEDS = (1, 2)  # pixels a frame
# Rows and columns a frame: eight directions, each at two speeds.
MOVES = tuple(
    (speed * down, speed * right)
    for speed in SPEEDS
    for down in (-1, 0, 1)
    for right in (-1, 0, 1)
    if (down, right) != (0, 0)
)
DIGITS = {"moving_digits": "digits", "moving_mnist": "mnist10k"}

Part = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Clips:
    """Clips with their classes.

    Parameters
    ----------
    train, test : (Tensor, Tensor)
        Frames as bytes, shape (n, frames, channels, side, side); and classes.
    num_classes : int
        How many there are.
    """

    train: Part
    test: Part
    num_classes: int

    @property
    def channels(self) -> int:
        """Return how many a frame has."""
        return int(self.train[0].shape[2])


@cache
def clips(name: str, data_dir: Path | None = None) -> Clips:
    """Return clips of moving digits; those to test with are other digits.

    Parameters
    ----------
    name : {"moving_digits", "moving_mnist"}
        The first needs no files; the digits of the second are made half as large.
    data_dir : pathlib.Path, optional
        Where the files are; see `studies.data.load`.

    Raises
    ------
    ValueError
        If there are no clips of that name.

    Examples
    --------
    >>> made = clips("moving_digits")
    >>> made.train[0].shape, made.num_classes
    (torch.Size([8000, 8, 1, 16, 16]), 16)
    """
    if name not in DIGITS:
        raise ValueError(f"the clips are {', '.join(DIGITS)}; got {name!r}")
    images = load(DIGITS[name], data_dir)
    assert isinstance(images, Images)  # not read by the batch, which neither of them is
    digits = [images.train_inputs, images.test_inputs]
    if name == "moving_mnist":
        digits = [avg_pool2d(d.float(), 2).round().to(torch.uint8) for d in digits]
    train, test = (
        _drawn(own, count, seed)
        for seed, (own, count) in enumerate(zip(digits, COUNTS, strict=True))
    )
    return Clips(train, test, len(MOVES))


def _drawn(digits: Tensor, count: int, seed: int) -> Part:
    """Return clips of digits that start anywhere, as many of each move."""
    rng = np.random.default_rng(seed)
    which = torch.from_numpy(rng.integers(len(digits), size=count))
    starts = torch.from_numpy(rng.integers(SIDE, size=(count, 2)))
    labels = torch.arange(count) % len(MOVES)
    return moved(digits[which], torch.tensor(MOVES)[labels], starts), labels


def moved(digits: Tensor, moves: Tensor, starts: Tensor, *, side: int = SIDE) -> Tensor:
    """Return clips of digits on a torus.

    Parameters
    ----------
    digits : Tensor, shape (n, c, h, w)
        No larger than a frame.
    moves, starts : Tensor of int, shape (n, 2)
        Rows and columns a frame; and where the upper left corner is in the first.
    side : int
        Of a frame.

    Returns
    -------
    Tensor, shape (n, FRAMES, c, side, side)

    Examples
    --------
    >>> ink = torch.ones(1, 1, 1, 1)
    >>> made = moved(ink, torch.tensor([[0, 2]]), torch.tensor([[0, 1]]), side=3)
    >>> made[0, :3, 0, 0]
    tensor([[0., 1., 0.],
            [1., 0., 0.],
            [0., 0., 1.]])
    """
    n, channels, height, width = digits.shape
    paper = digits.new_zeros(n, channels, side, side)
    paper[:, :, :height, :width] = digits
    times = torch.arange(FRAMES)[:, None]
    corners = starts[:, None] + times * moves[:, None]  # (n, FRAMES, 2)
    places = (torch.arange(side) - corners[..., None]) % side  # (n, FRAMES, 2, side)
    rows, columns = places.unbind(2)
    own = torch.arange(n)[:, None, None, None]
    # Indices before and after the channels: these come last.
    found = paper[own, :, rows[..., None], columns[:, :, None]]
    return found.movedim(-1, 2).contiguous()
