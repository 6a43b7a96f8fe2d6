"""MNIST and Fashion-MNIST: the IDX format, plain or compressed."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

BYTES = 0x08  # the only type of entry that these sets have
FOLDERS = {"mnist": ("mnist",), "fashion": ("fashion-mnist", "fashion")}
PARTS = ("train", "t10k")
CLASSES = 10

Part = tuple[Tensor, Tensor]


def read(name: str, folder: Path) -> tuple[Part, Part]:
    """Return training and test part, images of shape (n, 1, 28, 28) and labels.

    Parameters
    ----------
    name : {"mnist", "fashion"}
        Which.
    folder : pathlib.Path
        With the four files, or with a folder of them.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing or damaged; the message says where.
    """
    places = [folder / inner for inner in FOLDERS[name]] + [folder]
    place = next((p for p in places if _path(p, "train-images-idx3-ubyte")), folder)
    train, test = (_part(place, part) for part in PARTS)
    return train, test


def read_test(folder: Path) -> tuple[Part, Part]:
    """Return the test part of MNIST as 8,000 images to train with and 2,000 to test.

    For where only the smaller two of the four files are at hand: in the folder, or in
    ``mnist10k`` or ``mnist`` there. Its halves have different writers: it is shuffled.
    """
    places = [folder / "mnist10k", folder / "mnist", folder]
    place = next((p for p in places if _path(p, "t10k-images-idx3-ubyte")), folder)
    images, labels = _part(place, "t10k")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    cut = 4 * len(labels) // 5
    parts = [(images[chosen], labels[chosen]) for chosen in order.split(cut)]
    return parts[0], parts[1]


def _part(folder: Path, part: str) -> Part:
    names = (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
    paths: list[Path] = []
    for name in names:
        path = _path(folder, name)
        if path is None:
            raise FileNotFoundError(f"{folder} has neither {name} nor {name}.gz")
        paths.append(path)
    images, labels = read_array(paths[0], 3), read_array(paths[1], 1)
    if len(images) != len(labels):
        raise ValueError(
            f"{paths[1]} must have a label for each of the {len(images)} images of "
            f"{paths[0].name}, got {len(labels)}"
        )
    wrong = np.flatnonzero(labels >= CLASSES)
    if len(wrong):
        raise ValueError(
            f"{paths[1]}: the label at offset {8 + wrong[0]} must be 0 to "
            f"{CLASSES - 1}, got {labels[wrong[0]]}"
        )
    return (
        torch.from_numpy(images[:, None].copy()),
        torch.from_numpy(labels.astype(np.int64)),
    )


def _path(folder: Path, name: str) -> Path | None:
    both = (folder / name, folder / f"{name}.gz")
    return next((path for path in both if path.exists()), None)


def read_array(path: Path, ndim: int) -> np.ndarray:
    """Return the array of bytes in an IDX file with so many dimensions."""
    content = _content(path)
    start = 4 + 4 * ndim
    if len(content) < start:
        raise ValueError(
            f"{path} is cut off at offset {len(content)}, in a header of {start} bytes"
        )
    magic = int.from_bytes(content[:4], "big")
    if magic != BYTES << 8 | ndim:
        raise ValueError(
            f"{path}: the number at offset 0 must be {BYTES << 8 | ndim:#010x}, bytes "
            f"in {ndim} dimensions, got {magic:#010x}"
        )
    shape = np.frombuffer(content, ">u4", count=ndim, offset=4).tolist()
    end = start + math.prod(shape)
    if len(content) != end:
        raise ValueError(
            f"{path} must end at offset {end}, as its shape {tuple(shape)} says, but "
            f"ends at {len(content)}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _content(path: Path) -> bytes:
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            return file.read()
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is no whole gzip file: {error}") from error
