"""A batch whole or in shares: those of torchrun's processes, and what memory holds."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from contextlib import ExitStack

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from studies.engine import ranks
from studies.engine.batch_norm import OverRanks
from studies.engine.draws import Drawn, Place, WholeDraws, layout_of, note

Batch = tuple[Tensor, ...]
Loss = Callable[[nn.Module, Batch], Tensor]
DRIFT = 2.0**-12  # half of float32's digits: ranks of unlike processors may differ so


class LossOfBatch(nn.Module):
    """A network and its loss as one module."""

    def __init__(self, net: nn.Module, loss: Loss):
        super().__init__()
        self.net, self._loss = net, loss

    def forward(self, batch: Batch) -> Tensor:
        """Return the loss of a batch."""
        return self._loss(self.net, batch)


def places(samples: int, parts: int) -> list[Place]:
    """Return which samples this process computes, part after part.

    Each part is shared by all ranks, as evenly as can be; one of fewer samples than
    ranks is computed by all of them.

    Examples
    --------
    >>> [(place.start, place.stop, place.weight) for place in places(4, 2)]
    [(0, 2, 0.5), (2, 4, 0.5)]
    """
    if samples % parts:
        raise ValueError(
            f"a batch in {parts} parts must be divisible by it, got {samples}"
        )
    size, world, own = samples // parts, ranks.count(), ranks.rank()
    found = []
    for first in range(0, samples, size):
        if size < world:
            weight = size / samples / world
            found.append(Place(first, first + size, samples, weight))
            continue
        start, stop = (first + size * r // world for r in (own, own + 1))
        found.append(Place(start, stop, samples, (stop - start) / samples))
    return found


class Cut:
    """The loss of a batch and its gradient, in this process's shares.

    Parameters
    ----------
    loss : callable
        ``loss(network, batch)``, the mean over the batch.
    parts : int
        In how many the batch is computed.
    """

    def __init__(self, loss: Loss, parts: int) -> None:
        self.loss, self.parts = loss, parts
        self._layout: list[Drawn] | None = None

    def backward(self, net: nn.Module, batch: Batch, seed: int) -> Tensor:
        """Return the loss of a whole batch, its gradient added to the network's.

        Parameters
        ----------
        net : torch.nn.Module
            In training mode.
        batch : tuple of Tensor
            Whole, samples first.
        seed : int
            Of what layers draw; torch's global generator is seeded with it already.

        Raises
        ------
        ValueError
            If the batch cannot be cut.
        """
        own = places(len(batch[0]), self.parts)
        value = torch.zeros((), dtype=torch.float64, device=batch[0].device)
        for place in own:
            value += self._of_part(net, batch, place, seed)
        if ranks.count() > 1:
            self._add_up(net, value)
        return value

    def _of_part(self, net: nn.Module, batch: Batch, place: Place, seed: int) -> Tensor:
        if place.size == place.whole:
            loss = self.loss(net, batch) * place.weight
            loss.backward()
            return loss.detach()
        if self._layout is None:
            self._layout = _layout(net, self.loss, batch, seed)
        torch.manual_seed(seed)
        part = tuple(place.of(tensor) for tensor in batch)
        alone = place.weight < place.size / place.whole  # all ranks compute it
        with ExitStack() as modes:
            modes.enter_context(WholeDraws(self._layout, place))
            if ranks.count() > 1 and not alone:
                modes.enter_context(OverRanks())
            loss = self.loss(net, part) * place.weight
            loss.backward()
        return loss.detach()

    def _add_up(self, net: nn.Module, value: Tensor) -> None:
        """Replace loss and gradients by their sums over the ranks."""
        held = [p for p in net.parameters() if p.requires_grad]
        if any(p.grad is not None and p.grad.is_sparse for p in held):
            raise ValueError(
                "ranks need dense gradients, got a sparse one; take sparse=False"
            )
        flags = [p.grad is not None for p in held]
        used = torch.tensor(flags, dtype=torch.float64, device=value.device)
        for p in held:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        ranks.add_up([used, value, *(p.grad for p in held if p.grad is not None)])
        for p, users in zip(held, used.tolist(), strict=True):
            if not users:  # as in one process: the optimiser passes it over
                p.grad = None


def _layout(net: nn.Module, loss: Loss, batch: Batch, seed: int) -> list[Drawn]:
    """Return what is drawn for each sample; check on three that batches can be cut."""
    three = tuple(part[torch.arange(3) % len(part)] for part in batch)
    two = tuple(part[:2] for part in three)
    twin = copy.deepcopy(net)
    for module in twin.modules():
        if isinstance(module, _BatchNorm):
            module.eval()  # their statistics are taken over all

    def value(rows: Batch) -> float:
        torch.manual_seed(seed)
        return float(loss(twin, rows).detach())

    def of_part(place: Place) -> float:
        with WholeDraws(layout, place):
            return value(tuple(place.of(part) for part in three))

    layout = layout_of(note(lambda: value(two)), note(lambda: value(three)))
    whole = value(three)
    shares = [2 / 3 * of_part(Place(0, 2, 3)), of_part(Place(2, 3, 3)) / 3]
    size = max(abs(whole), *map(abs, shares))
    if math.isfinite(size) and abs(sum(shares) - whole) > DRIFT * size:
        raise ValueError(
            "for a batch to be cut, its loss must be the mean of its samples' losses; "
            f"of three samples it is {whole:.6g} together and {sum(shares):.6g} in two "
            "parts; train in one process and one part"
        )
    return layout


def require_same_network(net: nn.Module, step: int) -> None:
    """Raise in all ranks unless they hold the same weights and buffers, but rounding.

    Parameters
    ----------
    net : torch.nn.Module
        Of which lengths of tensors are compared.
    step : int
        For the message.
    """
    if ranks.count() == 1:
        return
    lengths = {
        name: float(tensor.detach().double().norm())
        for name, tensor in net.state_dict().items()
        if isinstance(tensor, Tensor)
    }
    found = ranks.gathered(lengths)
    for r, others in enumerate(found):
        for name, length in found[0].items():
            if abs(others.get(name, math.inf) - length) > DRIFT * length:
                raise ranks.RankError(
                    f"after step {step}, {name} of rank {r} is not that of rank 0 (of "
                    f"length {others.get(name)}, not {length}): something that the "
                    "network keeps depends on the samples that a rank sees; train in "
                    "one process"
                )
