"""Where clips come from: bytes in memory, or frames in files, read by the batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from studies.data import something
from studies.data.clips import FRAMES, Clips
from studies.engine.loop import Batch
from studies.tasks.sources import Source, fixed, standard

PIECE = 64  # clips in memory as numbers at a time
PROBED = 64  # of which the loss is noted while it trains
TESTED = 128  # that are tested until the last step, which has all
FEW = 8  # clips in files at a time, and of which the loss is noted
STREAMED = {"cpu": 32, "cuda": 2048}  # of them, that are tested until the last step


def in_memory(data: Clips, device: torch.device) -> Source:
    """Return the source of clips in memory, standardised by those to train with."""
    (frames, labels), (tested, truth) = (
        (part.to(device), own.to(device)) for part, own in (data.train, data.test)
    )
    deviation, mean = torch.std_mean(frames.float())

    def seen(pixels: Tensor) -> Tensor:
        return (pixels.float() - mean) / deviation

    def take(chosen: Tensor, _generator: torch.Generator) -> Batch:
        own = chosen.to(device)
        return seen(frames[own]), labels[own]

    def tests(most: int) -> Iterator[Batch]:
        for chosen in fixed(len(truth), most).to(device).split(PIECE):
            yield seen(tested[chosen]), truth[chosen]

    probe = fixed(len(labels), PROBED).to(device)
    return Source(
        len(labels),
        take,
        (seen(frames[probe]), labels[probe]),
        lambda: tests(TESTED),
        lambda: tests(len(truth)),
    )


def streamed(
    folder: Path | None, side: int, device: torch.device, augment: bool
) -> Source:
    """Return the source of Something-Something's clips, read by the batch.

    Parameters
    ----------
    folder : pathlib.Path or None
        As of `studies.data.something.read`.
    side : int
        Of the square frames that are made.
    device : torch.device
        Where they go.
    augment : bool
        Train on random frames and crops.

    Raises
    ------
    ValueError
        If no folder is given.
    """
    if folder is None:
        raise ValueError(
            "Something-Something is not for download here; say with --data where "
            f"{' and '.join(something.LISTS)} are"
        )
    train, test = something.read(folder)

    def read(
        part: something.Part, chosen: Tensor, random: torch.Generator | None
    ) -> Batch:
        pixels, labels = part.read(chosen.tolist(), FRAMES, side, random)
        whole = standard(pixels.flatten(0, 1), device)
        return whole.unflatten(0, (-1, FRAMES)), labels.to(device)

    def take(chosen: Tensor, generator: torch.Generator) -> Batch:
        return read(train, chosen, generator if augment else None)

    def tests(most: int) -> Iterator[Batch]:
        for chosen in fixed(len(test.videos), most).split(FEW):
            yield read(test, chosen, None)

    return Source(
        len(train.videos),
        take,
        read(train, fixed(len(train.videos), FEW), None),
        lambda: tests(STREAMED[device.type]),
        lambda: tests(len(test.videos)),
    )
