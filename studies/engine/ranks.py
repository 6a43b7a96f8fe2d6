"""The processes of torchrun: joined, in step, and ended together by one sentence.

Every sum over the ranks is preceded by a word from each that it is well. A rank whose
own work raised says so instead, wherever it was, and all raise the same error: none
waits for what never comes.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

MINUTES = 10.0  # that a rank waits for the others
GRACE = 5.0  # seconds in which those that wait answer each other
Value = TypeVar("Value")


class RankError(ValueError):
    """What one rank raised, in all of them; they are still in step."""


class RankLostError(ConnectionError):
    """A rank is gone or silent: nothing can be computed together any more."""


def count() -> int:
    """Return how many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Return this process's number."""
    return dist.get_rank() if dist.is_initialized() else 0


@contextmanager
def joined(minutes: float = MINUTES) -> Iterator[None]:
    """Join the other processes where torchrun started several.

    Parameters
    ----------
    minutes : float
        How long a rank waits for the others, here and in all that they do together.

    Raises
    ------
    RankLostError
        If not all are here by then; the message names those that are missing.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    limit = timedelta(minutes=minutes)
    own, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    agent = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"  # torchrun's own
    try:
        store = dist.TCPStore(
            host, port, world, own == 0 and not agent, limit, wait_for_workers=False
        )
    except RuntimeError as error:
        raise RankLostError(
            f"rank {own} did not reach rank 0 at {host}:{port} within {_said(minutes)}"
        ) from error
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    ours = dist.PrefixStore(f"studies/{attempt}", store)
    _wait_for_all(ours, own, world, minutes)
    place = int(os.environ.get("LOCAL_RANK", "0"))
    gpu = torch.cuda.is_available() and place < torch.cuda.device_count()
    if gpu:
        torch.cuda.set_device(place)
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if gpu else "gloo",
        store=ours, rank=own, world_size=world, timeout=limit,
    )  # fmt: skip
    try:
        yield
    finally:
        dist.destroy_process_group()


def _wait_for_all(store: dist.Store, own: int, world: int, minutes: float) -> None:
    store.set(f"here/{own}", socket.gethostname())
    names = [f"here/{r}" for r in range(world)]
    try:
        store.wait(names, timedelta(minutes=minutes))
    except RuntimeError as error:
        missing = [r for r, name in enumerate(names) if not store.check([name])]
        raise RankLostError(
            f"{_ranks(missing)} of {world} did not come within {_said(minutes)}; start "
            "as many processes as --nnodes times --nproc-per-node says, or give "
            "--timeout-minutes more"
        ) from error


@contextmanager
def heard() -> Iterator[None]:
    """Tell all ranks of what is raised within, at their next exchange."""
    try:
        yield
    except (RankError, RankLostError):
        raise  # all know
    except Exception as error:
        if count() > 1:
            _settle(error)
        raise


def together(work: Callable[[], Value]) -> Value:
    """Return what a piece of work gives, or raise in all ranks what it raised in one.

    Raises
    ------
    RankError
        If it failed in some; where it failed in all alike, their own error.
    """
    if count() == 1:
        return work()
    with heard():
        value = work()
    _settle(None)
    return value


def agreed(work: Callable[[], Value]) -> Value:
    """Return in every rank what a piece of work gives in the first, where it is done.

    What only the first can see, such as its files, is thus the same for all.
    """
    if count() == 1:
        return work()
    box: list[Any] = [together(lambda: work() if rank() == 0 else None)]
    _joint(lambda: dist.broadcast_object_list(box))
    return box[0]


def in_turn(work: Callable[[], Value]) -> Value:
    """Do a piece of work first in one rank of each machine, then in the others.

    The first one downloads; the others find the files.
    """
    first = os.environ.get("LOCAL_RANK", str(rank())) == "0"
    early = together(lambda: work() if first else None)
    late = together(lambda: None if first else work())
    return early if first else late  # type: ignore[return-value]


def require_same(what: str, value: Any) -> None:
    """Raise in all ranks unless all have the same value."""
    if count() == 1:
        return
    found = gathered(value)
    odd = next((r for r, other in enumerate(found) if other != found[0]), None)
    if odd is not None:
        raise RankError(
            f"all ranks must have the same {what}: rank 0 has {_short(found[0])}, rank "
            f"{odd} has {_short(found[odd])}; start all with the same command, code "
            "and versions"
        )


def gathered(value: Value) -> list[Value]:
    """Return the values of all ranks, in their order."""
    found: list[Any] = [value] * count()
    if count() > 1:
        _joint(lambda: dist.all_gather_object(found, value))
    return found


def add_up(tensors: Sequence[Tensor]) -> None:
    """Replace tensors by their sums over the ranks, in one exchange for each dtype."""
    if count() == 1:
        return
    _settle(None)

    def kind(tensor: Tensor) -> tuple[str, str]:
        return str(tensor.dtype), str(tensor.device)

    for _, group in groupby(sorted(tensors, key=kind), kind):
        own = list(group)
        flat = torch.cat([tensor.reshape(-1) for tensor in own])
        _joint(partial(dist.all_reduce, flat))
        for tensor, part in zip(own, flat.split([t.numel() for t in own]), strict=True):
            tensor.copy_(part.view_as(tensor))


def _settle(error: Exception | None) -> None:
    """Raise if any rank has an error: this is the word that each gives."""
    failed = torch.tensor([error is not None], dtype=torch.int64)
    _joint(lambda: dist.all_reduce(failed))
    if not int(failed):
        return
    texts = gathered(None if error is None else f"{type(error).__name__}: {error}")
    if error is not None and all(text == texts[0] for text in texts):
        raise error
    who = next(r for r, text in enumerate(texts) if text is not None)
    raise RankError(f"rank {who} of {count()} failed: {texts[who]}") from error


def _joint(exchange: Callable[[], Any]) -> None:
    """Do what all ranks must, or say who did not."""
    store = _store()
    done = store.add(f"exchanges/{rank()}", 1)
    try:
        exchange()
    except RuntimeError as error:
        raise RankLostError(_who_is_lost(store, done, error)) from error


def _store() -> dist.Store:
    return dist.distributed_c10d._get_default_store()


def _who_is_lost(store: dist.Store, done: int, error: Exception) -> str:
    """Name the ranks that are behind, or else those that do not answer."""
    try:
        others = {r: store.add(f"exchanges/{r}", 0) for r in range(count())}
        missing = [r for r, theirs in others.items() if theirs < done]
        store.set(f"answers/{rank()}", "")
        until = time.monotonic() + GRACE
        names = {r: f"answers/{r}" for r in range(count())}
        while not missing:
            silent = [r for r, name in names.items() if not store.check([name])]
            if not silent:
                return f"the ranks lost each other: {_line(error)}"
            if time.monotonic() > until:
                missing = silent
            time.sleep(0.1)
    except RuntimeError:  # the store is in the first one's process, or in its agent
        missing = [0]
    verb = "has" if len(missing) == 1 else "have"
    return (
        f"{_ranks(missing)} of {count()} {verb} ended or {verb} not answered in time "
        f"({_line(error)}); see its own output, then start all ranks again: they go on "
        "from the last checkpoint"
    )


def _ranks(which: list[int]) -> str:
    numbers = ", ".join(map(str, which))
    return f"rank {numbers}" if len(which) == 1 else f"ranks {numbers}"


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:160] if str(error).strip() else "?"


def _said(minutes: float) -> str:
    return f"{minutes:g} minutes"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}..."
