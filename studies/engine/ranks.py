"""The processes of torchrun: joined, and the group that they are."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed as dist

from condlab.machine.ranks import RankError, RankLostError, Ranks, named

__all__ = [
    "RankError",
    "RankLostError",
    "add_up",
    "agreed",
    "count",
    "gathered",
    "heard",
    "in_turn",
    "joined",
    "rank",
    "require_same",
    "together",
]

MINUTES = 10.0  # that a rank waits for the others
Value = TypeVar("Value")
ALL = Ranks()
heard, together, agreed = ALL.heard, ALL.together, ALL.agreed
require_same, gathered, add_up = ALL.require_same, ALL.gathered, ALL.add_up


def count() -> int:
    """Return how many processes there are."""
    return ALL.count


def rank() -> int:
    """Return this process's number."""
    return ALL.rank


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
            f"{named(missing)} of {world} did not come within {_said(minutes)}; start "
            "as many processes as --nnodes times --nproc-per-node says, or give "
            "--timeout-minutes more"
        ) from error


def in_turn(work: Callable[[], Value]) -> Value:
    """Do a piece of work first in one rank of each machine, then in the others.

    The first one downloads; the others find the files.
    """
    first = os.environ.get("LOCAL_RANK", str(rank())) == "0"
    early = together(lambda: work() if first else None)
    late = together(lambda: None if first else work())
    return early if first else late  # type: ignore[return-value]


def _said(minutes: float) -> str:
    return f"{minutes:g} minutes"
