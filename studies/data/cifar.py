"""CIFAR-10 and CIFAR-100, from the binary versions or an archive of JPEG files.

References
----------
.. [1] A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from condlab.errors import missing_extra

PIXELS = 3 * 32 * 32
TRAIN = {
    "cifar10": tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    "cifar100": ("train.bin",),
}
TEST = {"cifar10": ("test_batch.bin",), "cifar100": ("test.bin",)}
FOLDERS = {"cifar10": "cifar-10-batches-bin", "cifar100": "cifar-100-binary"}
CLASSES = {"cifar10": 10, "cifar100": 100}
LABELS = {"cifar10": 1, "cifar100": 2}  # bytes before an image; the last one counts
JPEG = "cifar10_jpeg.npz"

Part = tuple[Tensor, Tensor]


def read(name: str, folder: Path) -> tuple[Part, Part]:
    """Return training and test part, images of shape (n, 3, 32, 32) and labels.

    Parameters
    ----------
    name : {"cifar10", "cifar100"}
        Which.
    folder : pathlib.Path
        With the binary version's files, or its folder, or ``cifar10_jpeg.npz``, whose
        arrays ``train_jpeg``, ``train_offsets``, ``train_labels`` and the like hold
        the files one after the other; lossy, so not quite the same images.

    Raises
    ------
    FileNotFoundError
        If neither is there.
    ValueError
        If a file is cut off or a label is none; the message says where.
    """
    for place in (folder / FOLDERS[name], folder):
        if (place / TRAIN[name][0]).exists():
            train, test = (_binaries(name, place, f[name]) for f in (TRAIN, TEST))
            return train, test
    if name == "cifar10" and (folder / JPEG).exists():
        train, test = (_jpegs(folder / JPEG, part) for part in ("train", "test"))
        return train, test
    raise FileNotFoundError(
        f"{folder} has neither {FOLDERS[name]}/{TRAIN[name][0]} nor {JPEG}; get the "
        "binary version from https://www.cs.toronto.edu/~kriz/cifar.html"
    )


def _binaries(name: str, folder: Path, files: tuple[str, ...]) -> Part:
    parts = [_binary(folder / file, LABELS[name], CLASSES[name]) for file in files]
    images, labels = (torch.cat(column) for column in zip(*parts, strict=True))
    return images, labels


def _binary(path: Path, labels: int, classes: int) -> Part:
    content = np.fromfile(path, dtype=np.uint8)
    length = labels + PIXELS
    whole = len(content) // length * length
    if whole != len(content) or whole == 0:
        raise ValueError(
            f"{path} is cut off: images are {length} bytes each, and the last one, at "
            f"offset {whole}, has {len(content) - whole}"
        )
    rows = content.reshape(-1, length)
    found = rows[:, labels - 1].astype(np.int64)
    offsets = np.arange(len(rows)) * length + labels - 1
    _require_classes(path, found, classes, offsets)
    images = rows[:, labels:].reshape(-1, 3, 32, 32).copy()
    return torch.from_numpy(images), torch.from_numpy(found)


def _jpegs(path: Path, part: str) -> Part:
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = (f"{part}_{name}" for name in ("jpeg", "offsets", "labels"))
            content, offsets, labels = (archive[name] for name in names)
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no whole archive of images: {error}") from error
    if len(offsets) != len(labels) + 1 or offsets[-1] != len(content):
        raise ValueError(
            f"{path} is cut off: {len(labels)} {part} images end at offset "
            f"{offsets[-1]} of {len(content)}"
        )
    labels = labels.astype(np.int64)
    _require_classes(path, labels, 10, offsets[:-1])
    images = np.empty((len(labels), 3, 32, 32), dtype=np.uint8)
    for i in range(len(labels)):
        images[i] = _decode(path, content, int(offsets[i]), int(offsets[i + 1]))
    return torch.from_numpy(images), torch.from_numpy(labels)


def _decode(path: Path, content: np.ndarray, start: int, stop: int) -> np.ndarray:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise missing_extra("pillow", "studies", "decoding JPEG files") from error
    try:
        with Image.open(io.BytesIO(content[start:stop].tobytes())) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path}: no JPEG image at offset {start}") from error
    if pixels.shape != (32, 32, 3):
        raise ValueError(
            f"{path}: the image at offset {start} must be 32 x 32, got "
            f"{pixels.shape[0]} x {pixels.shape[1]}"
        )
    return pixels.transpose(2, 0, 1)


def _require_classes(
    path: Path, labels: np.ndarray, classes: int, offsets: np.ndarray
) -> None:
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        i = wrong[0]
        raise ValueError(
            f"{path}: the label at offset {offsets[i]} must be 0 to {classes - 1}, got "
            f"{labels[i]}"
        )
