"""A batch whole or in shares: those of torchrun's processes, and what memory holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

Batch = tuple[Tensor, ...]


class LossOfBatch(nn.Module):
    """A network and its loss as one module, so that DDP sees one forward pass."""

    def __init__(self, net: nn.Module, loss: Callable[[nn.Module, Any], Tensor]):
        super().__init__()
        self.net, self._loss = net, loss

    def forward(self, batch: Any) -> Tensor:
        """Return the loss of a batch."""
        return self._loss(self.net, batch)


def distributed(losses: nn.Module, device: torch.device) -> nn.Module:
    """Return the module as torchrun's processes share it, if there are several."""
    if not dist.is_initialized():
        return losses
    ids = [device] if device.type == "cuda" else None
    return DistributedDataParallel(losses, device_ids=ids)


def rank() -> int:
    """Return this process's number."""
    return dist.get_rank() if dist.is_initialized() else 0


def parts(batch: Batch, count: int) -> list[Batch]:
    """Return the batch in parts of one size."""
    if count == 1:
        return [batch]
    if len(batch[0]) % count:
        raise ValueError(
            f"a batch in {count} parts must be divisible by it, got {len(batch[0])}"
        )
    return list(zip(*(part.chunk(count) for part in batch), strict=True))


def share(batch: Batch) -> Batch:
    """Return this process's samples of a batch."""
    if not dist.is_initialized():
        return batch
    world = dist.get_world_size()
    if len(batch[0]) % world:
        raise ValueError(
            f"the batch must divide among the {world} processes, got {len(batch[0])}"
        )
    return tuple(part[rank() :: world] for part in batch)
