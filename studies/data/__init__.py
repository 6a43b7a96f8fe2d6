"""Images and labels, as bytes in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from condlab.errors import missing_extra
from studies.data import cifar, folders, idx, textures
from studies.data.downloads import fetch
from studies.data.folders import Streamed


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images with their classes.

    Parameters
    ----------
    name : str
        Of the data set.
    train_inputs, test_inputs : Tensor of uint8, shape (n, c, h, w)
        Of both parts.
    train_labels, test_labels : Tensor of int64, shape (n,)
        Classes, from 0.
    num_classes : int
        How many there are.
    """

    name: str
    train_inputs: Tensor
    train_labels: Tensor
    test_inputs: Tensor
    test_labels: Tensor
    num_classes: int

    @property
    def channels(self) -> int:
        """Return how many an image has."""
        return int(self.train_inputs.shape[1])

    @property
    def side(self) -> int:
        """Return the width and height of an image."""
        return int(self.train_inputs.shape[3])


@dataclass(frozen=True, slots=True)
class Shape:
    """What a network must know of the images that it is for."""

    channels: int
    side: int
    num_classes: int


BUILT_IN = ("digits", "textures")
READ = (
    "cifar10",
    "cifar100",
    "cifar10_16",
    "cifar10x4",
    "mnist",
    "mnist10k",
    "fashion",
)
TEXTURES = (2048, 512)  # images to train and to test with


@cache
def load(name: str, data_dir: Path | None = None) -> Images | Streamed:
    """Return a data set by name.

    Parameters
    ----------
    name : str
        "digits" and "textures" need no files; "cifar10" and "cifar100" are read, and
        "cifar10_16" is the former at 16 x 16 pixels, each the mean of four;
        "cifar10x4" is a stand-in for data with more classes, the 40 of class and
        quarter turn; "mnist" and "fashion" are read from IDX files, "mnist10k" is the
        former's test part, cut into one to train and one to test with; "imagenet" is
        read by the batch, as `studies.data.folders` says.
    data_dir : pathlib.Path, optional
        Where, as `studies.data.cifar.read` and `idx.read` say; without it
        files are downloaded, once.

    Raises
    ------
    ValueError
        If there is none of that name, or a file is damaged.
    OSError
        If files are missing, or cannot be downloaded.

    Examples
    --------
    >>> load("digits").train_inputs.shape
    torch.Size([1437, 1, 8, 8])
    """
    if name == "digits":
        return _digits()
    if name == "textures":
        parts = [textures.draw(n, seed=i) for i, n in enumerate(TEXTURES)]
        return Images(name, *parts[0], *parts[1], len(textures.KINDS))
    if name == "imagenet":
        if data_dir is None:
            raise ValueError(
                "ImageNet is not for download; say with --data where train and val are"
            )
        return folders.read(name, data_dir)
    if name not in READ:
        known = ", ".join((*BUILT_IN, *READ, "imagenet"))
        raise ValueError(f"the data sets are {known}; got {name!r}")
    whole = name.removesuffix("_16").removesuffix("x4").removesuffix("10k")
    data_dir = data_dir or fetch(whole)
    if name == "mnist10k":
        train, test = idx.read_test(data_dir)
        return Images(name, *train, *test, idx.CLASSES)
    if name in idx.FOLDERS:
        train, test = idx.read(name, data_dir)
        return Images(name, *train, *test, idx.CLASSES)
    train, test = cifar.read(whole, data_dir)
    if name == "cifar10x4":
        train, test = (_turned(*part) for part in (train, test))
        return Images(name, *train, *test, 4 * cifar.CLASSES[whole])
    if whole != name:
        train, test = ((_halved(images), labels) for images, labels in (train, test))
    return Images(name, *train, *test, cifar.CLASSES[whole])


def _halved(images: Tensor) -> Tensor:
    return avg_pool2d(images.float(), 2).round().to(torch.uint8)


def _turned(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return every image in four positions, each a class of its own."""
    turned = [images.rot90(turns, (2, 3)) for turns in range(4)]
    return torch.cat(turned), torch.cat([4 * labels + turns for turns in range(4)])


def _digits() -> Images:
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise missing_extra("scikit-learn", "studies", "the digits") from error
    digits = load_digits()
    inputs = torch.from_numpy((digits.images * (255 / 16)).round().astype(np.uint8))
    labels = torch.from_numpy(digits.target.astype(np.int64))
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    inputs, labels = inputs[order][:, None], labels[order]
    train, test = slice(0, 1437), slice(1437, None)
    return Images(
        "digits", inputs[train], labels[train], inputs[test], labels[test], 10
    )
