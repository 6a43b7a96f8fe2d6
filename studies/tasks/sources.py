"""Where a task's images come from: all in memory, or read from files by the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from studies.data import Images
from studies.data.folders import Streamed
from studies.engine.loop import Batch
from studies.tasks.augment import mirrored, shifted

PROBE = 512  # samples to evaluate the loss on, and on a CPU the accuracy
TESTED = 10_000  # images of a streamed test part that a GPU evaluates
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's channels


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Standardised images and labels.

    Parameters
    ----------
    count : int
        Training images.
    take : callable
        ``take(chosen, generator)`` gives those training images as a step sees them.
    probe : tuple of Tensor
        Fixed training images, as they are.
    tests : callable
        Gives the test images, a piece after the other.
    all_tests : callable
        Gives those that are left out on a CPU as well.
    """

    count: int
    take: Callable[[Tensor, torch.Generator], Batch]
    probe: Batch
    tests: Callable[[], Iterator[Batch]]
    all_tests: Callable[[], Iterator[Batch]]


class Augmentation(Protocol):
    """What a recipe says of the images of a step."""

    @property
    def augment(self) -> bool:
        """Return whether they are flipped and shifted."""

    @property
    def mirror(self) -> bool:
        """Return whether they are only flipped."""


def source(
    images: Images | Streamed, recipe: Augmentation, device: torch.device
) -> Source:
    """Return the source of a data set, with a recipe's augmentation."""
    if isinstance(images, Streamed):
        return _streamed(images, recipe, device)
    train, whole = prepare(images, device)
    # On a CPU, ten thousand images cost more than the training.
    test = _some(whole) if device.type == "cpu" else whole

    def take(chosen: Tensor, generator: torch.Generator) -> Batch:
        inputs, labels = (part[chosen.to(device)] for part in train)
        if recipe.augment:
            return shifted(inputs, generator), labels
        return (mirrored(inputs, generator) if recipe.mirror else inputs), labels

    def pieces(data: Batch) -> Iterator[Batch]:
        return zip(*(part.split(PROBE) for part in data), strict=True)

    return Source(
        len(train[1]), take, _some(train), lambda: pieces(test), lambda: pieces(whole)
    )


def _streamed(images: Streamed, recipe: Augmentation, device: torch.device) -> Source:
    train, test, side = images.train, images.test, images.side

    def take(chosen: Tensor, generator: torch.Generator) -> Batch:
        random = generator if recipe.augment else None
        inputs = standard(train.read(chosen.tolist(), side, random), device)
        if recipe.mirror and not recipe.augment:
            inputs = mirrored(inputs, generator)
        return inputs, train.labels[chosen].to(device)

    def tests(most: int) -> Iterator[Batch]:
        for chosen in fixed(len(test.paths), most).split(PROBE):
            inputs = standard(test.read(chosen.tolist(), side), device)
            yield inputs, test.labels[chosen].to(device)

    probe = fixed(len(train.paths), PROBE)
    seen = standard(train.read(probe.tolist(), side), device)
    few = PROBE if device.type == "cpu" else TESTED
    return Source(
        len(train.paths),
        take,
        (seen, train.labels[probe].to(device)),
        lambda: tests(few),
        lambda: tests(TESTED),
    )


def standard(pixels: Tensor, device: torch.device) -> Tensor:
    """Return bytes, shape (n, 3, h, w), standardised by ImageNet's channels."""
    mean, deviation = (
        torch.tensor(values, device=device).view(1, 3, 1, 1)
        for values in (MEAN, DEVIATION)
    )
    return _last((pixels.to(device).float() / 255 - mean) / deviation)


def fixed(count: int, most: int) -> Tensor:
    """Return the same random places in every call."""
    generator = torch.Generator().manual_seed(0)
    return torch.randperm(count, generator=generator)[:most]


def _some(data: Batch) -> Batch:
    """Return a fixed random choice of samples."""
    chosen = fixed(len(data[1]), PROBE)
    inputs, labels = (part[chosen.to(part.device)] for part in data)
    return inputs, labels


def prepare(images: Images, device: torch.device) -> tuple[Batch, Batch]:
    """Return training and test tensors, channels standardised by the former."""
    train = images.train_inputs.to(device).float() / 255
    test = images.test_inputs.to(device).float() / 255
    std, mean = torch.std_mean(train, dim=(0, 2, 3), keepdim=True)
    std = torch.where(std > 0, std, 1)
    return (
        (_last((train - mean) / std), images.train_labels.to(device)),
        (_last((test - mean) / std), images.test_labels.to(device)),
    )


def _last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
