"""Runs that may fail: one that raises, or whose worker dies, is a record of its own."""

from __future__ import annotations

import os
import socket
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Generic, NamedTuple

from condlab.machine.processes import end_with
from studies.engine import ranks
from studies.engine.backends import Map, workers
from studies.engine.configs import AnyConfig, settings_of
from studies.engine.loop import Task
from studies.engine.options import Options
from studies.engine.provenance import provenance
from studies.engine.records import Config, Record
from studies.engine.store import FAILED, Store, key_of

POOLS = 3  # tries with workers that die before they do anything

MakeTask = Callable[[AnyConfig, Options], Task]


class Run(NamedTuple, Generic[AnyConfig]):
    """One run of a sweep, and the folder where it is kept."""

    study: str
    config: AnyConfig
    make_task: MakeTask[AnyConfig]
    options: Options
    folder: Path


RunOne = Callable[[str, AnyConfig, MakeTask[AnyConfig], Options, Path], Record]


class RunsFailedError(RuntimeError):
    """Some runs of a sweep failed; `records` has all, theirs too."""

    def __init__(self, message: str, records: list[Record]):
        super().__init__(message)
        self.records = records


def attempt(
    run_one: RunOne[AnyConfig], parent: tuple[str, int], run: Run[AnyConfig]
) -> Record:
    """Run one config; where it raises, keep the failure as its record and return it.

    Parameters
    ----------
    run_one : callable
        ``run_one(*run)`` keeps the record of a run that ends, and returns it.
    parent : (str, int)
        Host and process that asked: with it this worker ends.
    run : Run
        What `run_one` takes.
    """
    end_with(*parent)
    study, config, _, options, folder = run
    kept, first = Store(folder), ranks.rank() == 0
    if first:
        kept.begin(key_of(config))
    try:
        return ranks.together(partial(run_one, *run))
    except ranks.RankLostError:  # there is nobody to go on with
        raise
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        record = failure(study, config, options, told)
        return kept.fail(record, traceback.format_exc()) if first else record


def failure(study: str, config: Config, options: Options, told: str) -> Record:
    """Return the record of a run that failed."""
    return {
        "study": study,
        "preset": options.preset,
        "key": key_of(config),
        "config": settings_of(config),
        "status": FAILED,
        "error": told,
        "seconds": 0.0,
        "series": {},
        "tables": {},
        **provenance(options.device, options.data),
    }


def records(
    todo: Sequence[Run[AnyConfig]],
    run_one: RunOne[AnyConfig],
    options: Options,
    jobs: int,
) -> Iterator[Record]:
    """Yield a record of every run as runs end, in any order.

    A worker that dies takes its pool with it: what had ended is taken from the folder,
    what had begun is tried once more, alone, and the rest goes on in a new pool.
    """
    own = (socket.gethostname(), os.getpid())
    if jobs == 1 and options.backend == "loky":
        for run in todo:
            yield attempt(run_one, own, run)
        return
    left = {key_of(run.config): run for run in todo}
    tried = partial(attempt, run_one, own)
    vain = 0  # pools that broke before a run had begun: it is not the runs' fault
    with workers(options.backend, options.cluster, jobs) as mapped:
        while left:
            before = len(left)
            try:
                for record in mapped(tried, list(left.values())):
                    left.pop(record["key"], None)
                    yield record
            except Exception as error:
                for record in _rescued(left, tried, mapped, error):
                    left.pop(record["key"])
                    yield record
                vain = vain + 1 if len(left) == before else 0
                if vain == POOLS:
                    raise


def _rescued(
    left: dict[str, Run[AnyConfig]],
    tried: Callable[[Run[AnyConfig]], Record],
    mapped: Map,
    error: Exception,
) -> Iterator[Record]:
    """Yield the records of runs that broken workers had ended or begun."""
    begun = []
    for key, run in list(left.items()):
        kept = Store(run.folder)
        record = kept.record(key) or kept.failure(key)
        if record is not None:
            yield record
        elif kept.running(key) is not None:
            begun.append(run)
    for run in begun:
        try:
            (record,) = mapped(tried, [run])
        except Exception as again:
            told = f"its worker died twice: {type(again).__name__}"
            record = failure(run.study, run.config, run.options, told)
            record = Store(run.folder).fail(record, f"{error}\n\n{again}\n")
        yield record


def told(found: Sequence[Record], folder: Path) -> str:
    """Return in a sentence how many runs failed, and why the first."""
    failed = [record for record in found if record["status"] == FAILED]
    first = failed[0]
    config = first["config"]
    return (
        f"{len(failed)} of {len(found)} runs of {first['study']} failed, and are tried "
        f"again next time; the first, arm {config['arm']}, rate {config['lr']:g}, seed "
        f"{config['seed']}: {first['error']} ({folder / first['key']}.failed.txt)"
    )
