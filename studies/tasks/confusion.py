"""Metrics of classes that are not equally frequent, by counts of what is what."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from studies.data.voc import IGNORED
from studies.tasks.shares import Batch

Tests = Iterable[tuple[Tensor, Tensor]]  # logits and labels, a pair a piece


def pixel_loss(net: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
    """Return the cross-entropy summed over pixels that have a class, a pixel of all.

    Not a labelled pixel: the loss of a batch is so the mean of its images', and finite
    where nothing is labelled.
    """
    inputs, labels = batch
    total = cross_entropy(net(inputs), labels, ignore_index=IGNORED, reduction="sum")
    return total / labels.numel()


def confusion(tests: Tests) -> Tensor:
    """Return how often class i, a row, was taken for class j, a column.

    Examples
    --------
    >>> logits = torch.eye(3)[[0, 1, 1]]
    >>> confusion([(logits, torch.tensor([0, 1, IGNORED]))])
    tensor([[1, 0, 0],
            [0, 1, 0],
            [0, 0, 0]])
    """
    total: Tensor | int = 0
    for logits, labels in tests:
        classes = logits.shape[1]
        known = labels != IGNORED
        pairs = labels[known] * classes + logits.argmax(1)[known]
        counts = torch.bincount(pairs, minlength=classes**2)
        total = total + counts.view(classes, classes)
    return torch.as_tensor(total)


def mean_iou(tests: Tests) -> dict[str, float]:
    """Return the mean over classes of intersection over union, counted over all.

    Classes that are neither there nor found have none, and are left out.

    Examples
    --------
    >>> mean_iou([(torch.eye(3)[[0, 1, 1]], torch.tensor([0, 0, 1]))])
    {'miou': 0.5}
    """
    counts = confusion(tests).double()
    shared = counts.diagonal()
    union = counts.sum(0) + counts.sum(1) - shared
    return {"miou": float((shared / union)[union > 0].mean())}


def class_accuracy(tests: Tests) -> dict[str, float]:
    """Return the share of samples that are right, and its mean over classes.

    Examples
    --------
    >>> class_accuracy([(torch.eye(2)[[0, 0, 0, 0]], torch.tensor([0, 0, 0, 1]))])
    {'accuracy': 0.75, 'class_accuracy': 0.5}
    """
    counts = confusion(tests).double()
    right, there = counts.diagonal(), counts.sum(1)
    return {
        "accuracy": float(right.sum() / there.sum()),
        "class_accuracy": float((right / there)[there > 0].mean()),
    }
