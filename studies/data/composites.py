"""Signs pasted on other images: scenes of which the class of every pixel is known."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from studies.data import Images, load, textures
from studies.data.voc import IGNORED

SIDE = 17  # one more than a power of two, so that features of any stride lie on pixels
COUNTS = (8000, 512)  # scenes to train and to test with
SIZES = (0.6, 0.9)  # a sign's side over the scene's
OWN, RIM = 0.75, 0.25  # of a pixel, from what share on it is a sign's, and is nobody's
DARK, BRIGHT = (0, 100), (155, 255)  # of each channel of a sign, and of its digit
SHARP = 10.0  # how fast a sign's cover falls at its edge, over its half side
CLASSES = 11  # the background first, then the digits
# What the scenes are made of: digits, and backgrounds.
SCENES = {
    "digits_on_textures": ("digits", "textures"),
    "mnist_on_cifar": ("mnist10k", "cifar10"),
}


@cache
def scenes(name: str, data_dir: Path | None = None) -> Images:
    """Return scenes, their labels a class a pixel.

    Training scenes are made of digits and backgrounds of the training parts alone.

    Parameters
    ----------
    name : {"digits_on_textures", "mnist_on_cifar"}
        The first needs no files.
    data_dir : pathlib.Path, optional
        Where the files are; see `studies.data.load`.

    Raises
    ------
    ValueError
        If there are no scenes of that name.

    Examples
    --------
    >>> made = scenes("digits_on_textures")
    >>> made.train_inputs.shape, made.train_labels.shape
    (torch.Size([8000, 3, 17, 17]), torch.Size([8000, 17, 17]))
    """
    if name not in SCENES:
        raise ValueError(f"the scenes are {', '.join(SCENES)}; got {name!r}")
    digits, backgrounds = SCENES[name]
    inks = load(digits, data_dir)
    behind = _textures() if backgrounds == "textures" else load(backgrounds, data_dir)
    assert isinstance(inks, Images)  # not read by the batch, which neither of them is
    assert isinstance(behind, Images)
    train = compose(
        inks.train_inputs, inks.train_labels, behind.train_inputs, COUNTS[0], seed=0
    )
    test = compose(
        inks.test_inputs, inks.test_labels, behind.test_inputs, COUNTS[1], seed=1
    )
    return Images(name, *train, *test, CLASSES)


def _textures() -> Images:
    parts = [textures.draw(n, seed=i, side=SIDE) for i, n in enumerate((1024, 256))]
    return Images("textures", *parts[0], *parts[1], len(textures.KINDS))


def compose(
    digits: Tensor, classes: Tensor, backgrounds: Tensor, count: int, *, seed: int
) -> tuple[Tensor, Tensor]:
    """Return scenes as bytes, and the class of every pixel.

    Each has a round sign of any dark colour, place and size on it, with a digit of a
    bright colour, which is the class of the whole sign.

    Parameters
    ----------
    digits : Tensor of uint8, shape (n, 1, h, w)
        Ink.
    classes : Tensor of int64, shape (n,)
        0 to 9, which become the labels 1 to 10.
    backgrounds : Tensor of uint8, shape (m, 3, h, w)
        Of any size.
    count : int
        Scenes.
    seed : int
        Of what is drawn.

    Returns
    -------
    scenes : Tensor of uint8, shape (count, 3, SIDE, SIDE)
    labels : Tensor of int64, shape (count, SIDE, SIDE)
    """
    rng = np.random.default_rng(seed)
    chosen = torch.from_numpy(rng.integers(len(backgrounds), size=count))
    made = interpolate(
        backgrounds[chosen].float(), (SIDE, SIDE), mode="bilinear", antialias=True
    )
    which = torch.from_numpy(rng.integers(len(digits), size=count))
    ink, cover = _placed(digits[which].float() / 255, rng)
    paper, pen = (
        torch.from_numpy(rng.uniform(*shades, (count, 3, 1, 1))).float()
        for shades in (DARK, BRIGHT)
    )
    made = made + cover * (paper + ink * (pen - paper) - made)
    labels = (classes[which] + 1)[:, None, None].where(cover[:, 0] > OWN, IGNORED)
    labels = labels.where(cover[:, 0] > RIM, 0)
    return made.round().to(torch.uint8), labels


def _placed(digits: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return the ink of digits somewhere in scenes, and what their signs cover."""
    count = len(digits)
    sizes = rng.uniform(*SIZES, count)
    centres = rng.uniform(-1, 1, (2, count)) * (1 - sizes)
    maps = np.zeros((count, 2, 3))
    maps[:, 0, 0] = maps[:, 1, 1] = 1 / sizes
    maps[:, :, 2] = (-centres / sizes).T
    grid = affine_grid(
        torch.from_numpy(maps).float(), [count, 1, SIDE, SIDE], align_corners=False
    )
    ink = grid_sample(digits, grid, align_corners=False)
    cover = (SHARP * (1 - grid.norm(dim=3)) + 0.5).clamp(0, 1)
    return ink, cover[:, None]
