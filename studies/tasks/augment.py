"""The order in which images are seen, and what is done to them first."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad


def epoch_batch(step: int, batch: int, samples: int, order: int) -> Tensor:
    """Return the samples of a step: each epoch is a shuffle, its remainder left out.

    Examples
    --------
    >>> torch.cat([epoch_batch(step, 2, 4, 0) for step in (0, 1)]).sort().values
    tensor([0, 1, 2, 3])
    """
    if batch > samples:
        raise ValueError(f"a batch of {batch} needs as many samples, got {samples}")
    epoch, place = divmod(step, samples // batch)
    seed = int(np.random.SeedSequence((order, epoch)).generate_state(1)[0])
    shuffled = _shuffle(samples, seed)
    return shuffled[place * batch : (place + 1) * batch]


@lru_cache(maxsize=2)
def _shuffle(samples: int, seed: int) -> Tensor:
    return torch.randperm(samples, generator=torch.Generator().manual_seed(seed))


def mirrored(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Return images, each flipped left and right or not."""
    flips = torch.rand(len(inputs), generator=generator) < 0.5
    return torch.where(
        flips.to(inputs.device)[:, None, None, None], inputs.flip(3), inputs
    )


def shifted(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Return images, each flipped or not and shifted by up to an eighth of the side."""
    n, _, height, width = inputs.shape
    reach = max(1, height // 8)
    flips = torch.rand(n, generator=generator) < 0.5
    offsets = torch.randint(2 * reach + 1, (2, n, 1), generator=generator)
    rows = (torch.arange(height) + offsets[0]).to(inputs.device)
    columns = torch.arange(width).expand(n, -1)
    columns = torch.where(flips[:, None], columns.flip(1), columns) + offsets[1]
    columns = columns.to(inputs.device)
    padded = pad(inputs, (reach,) * 4).permute(0, 2, 3, 1)
    which = torch.arange(n, device=inputs.device)[:, None, None]
    return padded[which, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
