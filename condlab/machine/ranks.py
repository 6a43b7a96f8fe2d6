"""Processes that compute together: in step, and ended together by one sentence.

Every exchange is preceded by a word from each that it is well. A rank whose
own work raised says so instead, wherever it was, and all raise the same error: none
waits for what never comes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TypeVar, cast

import torch
from torch import Tensor
from torch import distributed as dist

if dist.is_available():
    # Its functions take the default group of the moment of their import for a default
    # argument. Imported later, as torch._dynamo does, they keep that group, whose
    # threads then outlive destroy_process_group and may abort a process that leaves.
    import torch.distributed.nn.functional

GRACE = 5.0  # seconds in which those that wait answer each other
Value = TypeVar("Value")


class RankError(ValueError):
    """What one rank raised, in all of them; they are still in step."""


class RankLostError(ConnectionError):
    """A rank is gone or silent: nothing can be computed together any more."""


@dataclass(frozen=True)
class Ranks:
    """The processes of a group; one where there is no group.

    Parameters
    ----------
    group : process group, optional
        The default one otherwise.
    alone : bool
        Whether this process computes alone, whatever groups there are.
    """

    group: dist.ProcessGroup | None = None
    alone: bool = False

    @property
    def count(self) -> int:
        """Return how many processes there are."""
        if self.alone or not dist.is_initialized():
            return 1
        return dist.get_world_size(self.group)

    @property
    def rank(self) -> int:
        """Return this process's number."""
        return dist.get_rank(self.group) if self.count > 1 else 0

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Tell all ranks of what is raised within, at their next exchange."""
        try:
            yield
        except (RankError, RankLostError):
            raise  # all know
        except Exception as error:
            if self.count > 1:
                self._settle(error)
            raise

    def together(self, work: Callable[[], Value]) -> Value:
        """Return what some work gives, or raise in all ranks what it raised in one.

        Raises
        ------
        RankError
            If it failed in some; where it failed in all alike, their own error.
        """
        if self.count == 1:
            return work()
        with self.heard():
            value = work()
        self._settle(None)
        return value

    def agreed(self, work: Callable[[], Value]) -> Value:
        """Return in every rank what work gives in the first, where it is done.

        What only the first can see, such as its files, is thus the same for all.
        """
        if self.count == 1:
            return work()
        box = [self.together(lambda: work() if self.rank == 0 else None)]
        self._joint(
            lambda: dist.broadcast_object_list(box, group=self.group, group_src=0)
        )
        return cast("Value", box[0])

    def from_first(self, x: Tensor) -> Tensor:
        """Return a tensor of the first rank, into the others' of the same shape."""
        if self.count > 1:
            self._settle(None)
            sent = self._sent(x.contiguous())
            self._joint(lambda: dist.broadcast(sent, group=self.group, group_src=0))
            x.copy_(sent)
        return x

    def require_same(self, what: str, value: object) -> None:
        """Raise in all ranks unless all have the same value."""
        if self.count == 1:
            return
        found = self.gathered(value)
        odd = next((r for r, other in enumerate(found) if other != found[0]), None)
        if odd is not None:
            raise RankError(
                f"all ranks must have the same {what}: rank 0 has {_short(found[0])}, "
                f"rank {odd} has {_short(found[odd])}; start all with the same "
                "command, code and versions"
            )

    def gathered(self, value: Value) -> list[Value]:
        """Return the values of all ranks, in their order."""
        if self.count > 1:
            self._settle(None)
        return self._gathered(value)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their sums over the ranks, an exchange for each dtype."""
        if self.count == 1:
            return
        self._settle(None)

        def kind(tensor: Tensor) -> tuple[str, str]:
            return str(tensor.dtype), str(tensor.device)

        for _, group in groupby(sorted(tensors, key=kind), kind):
            own = list(group)
            flat = self._sent(torch.cat([tensor.reshape(-1) for tensor in own]))
            self._joint(partial(dist.all_reduce, flat, group=self.group))
            sizes = [tensor.numel() for tensor in own]
            for tensor, part in zip(own, flat.split(sizes), strict=True):
                tensor.copy_(part.view_as(tensor))

    def total(self, part: Tensor) -> Tensor:
        """Return the sum of a tensor over the ranks, which may be written to."""
        if self.count > 1:
            part = part.contiguous()
            self.add_up([part])
        return part

    def columns(self, n: int) -> slice:
        """Return which of n columns this process keeps."""
        count, own = self.count, self.rank
        return slice(n * own // count, n * (own + 1) // count)

    def side_by_side(self, part: Tensor, n: int) -> Tensor:
        """Return all n columns, shape (m, n), of which each rank has its `columns`."""
        count = self.count
        if count == 1:
            return part
        self._settle(None)
        own = self._sent(part.new_zeros((len(part), -(-n // count))))
        own[:, : part.shape[1]] = part
        parts = [torch.empty_like(own) for _ in range(count)]
        self._joint(lambda: dist.all_gather(parts, own, group=self.group))
        ends = [n * r // count for r in range(count + 1)]
        found = [parts[r][:, : ends[r + 1] - ends[r]] for r in range(count)]
        return torch.cat(found, dim=1).to(part.device)

    def _gathered(self, value: Value) -> list[Value]:
        found: list[Value] = [value] * self.count
        if self.count > 1:
            self._joint(lambda: dist.all_gather_object(found, value, self.group))
        return found

    def _settle(self, error: Exception | None) -> None:
        """Raise if any rank has an error: this is the word that each gives."""
        failed = self._sent(torch.tensor([error is not None], dtype=torch.int64))
        self._joint(lambda: dist.all_reduce(failed, group=self.group))
        if not int(failed):
            return
        texts = self._gathered(
            None if error is None else f"{type(error).__name__}: {error}"
        )
        if error is not None and all(text == texts[0] for text in texts):
            raise error
        who = next(r for r, text in enumerate(texts) if text is not None)
        raise RankError(f"rank {who} of {self.count} failed: {texts[who]}") from error

    def _sent(self, x: Tensor) -> Tensor:
        """Return a tensor where the group can send it from: NCCL knows only GPUs."""
        if x.device.type == "cpu" and "cpu:" not in dist.get_backend_config(self.group):
            return x.cuda()
        return x

    def _joint(self, exchange: Callable[[], object]) -> None:
        """Do what all ranks must, or say who did not."""
        store = dist.distributed_c10d._get_default_store()
        log = f"exchanges/{'' if self.group is None else self.group.group_name}"
        done = store.add(f"{log}/{self.rank}", 1)
        try:
            exchange()
        except RuntimeError as error:
            raise RankLostError(self._who_is_lost(store, log, done, error)) from error

    def _who_is_lost(
        self, store: dist.Store, log: str, done: int, error: Exception
    ) -> str:
        """Name the ranks that are behind, or else those that do not answer."""
        count = self.count
        try:
            others = {r: store.add(f"{log}/{r}", 0) for r in range(count)}
            missing = [r for r, theirs in others.items() if theirs < done]
            store.set(f"answers/{log}/{self.rank}", "")
            until = time.monotonic() + GRACE
            names = {r: f"answers/{log}/{r}" for r in range(count)}
            while not missing:
                silent = [r for r, name in names.items() if not store.check([name])]
                if not silent:
                    return f"the ranks lost each other: {_line(error)}"
                if time.monotonic() > until:
                    missing = silent
                time.sleep(0.1)
        except RuntimeError:  # the store is in the first one's process, or its agent
            missing = [0]
        verb = "has" if len(missing) == 1 else "have"
        return (
            f"{named(missing)} of {count} {verb} ended or {verb} not answered in time "
            f"({_line(error)}); see its own output, then start all ranks again: they "
            "go on from the last checkpoint"
        )


ALONE = Ranks(alone=True)


def ranks_of(H: object) -> Ranks:
    """Return the processes that multiply by an operator together.

    Examples
    --------
    >>> ranks_of(torch.eye(2)).count
    1
    """
    found = getattr(H, "ranks", ALONE)
    return found if isinstance(found, Ranks) else ALONE


def named(which: list[int]) -> str:
    """Return ranks in words.

    Examples
    --------
    >>> named([1]), named([0, 2])
    ('rank 1', 'ranks 0, 2')
    """
    numbers = ", ".join(map(str, which))
    return f"rank {numbers}" if len(which) == 1 else f"ranks {numbers}"


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:160] if str(error).strip() else "?"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}..."
