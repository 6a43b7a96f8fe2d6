"""Images and labels, as bytes in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


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


@cache
def load(name: str, data_dir: Path | None = None) -> Images:
    """Return a data set by name; "digits" needs no files."""
    if name != "digits":
        raise ValueError(f"the data sets are digits; got {name!r} in {data_dir}")
    from sklearn.datasets import load_digits

    digits = load_digits()
    inputs = torch.from_numpy((digits.images * (255 / 16)).round().astype(np.uint8))
    labels = torch.from_numpy(digits.target.astype(np.int64))
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    inputs, labels = inputs[order][:, None], labels[order]
    return Images(
        "digits", inputs[:1437], labels[:1437], inputs[1437:], labels[1437:], 10
    )
