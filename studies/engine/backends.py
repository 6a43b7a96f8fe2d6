"""Where runs are done: processes here by joblib, or a cluster of Dask or Ray."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

import joblib

from condlab.machine.processes import end_with

BACKENDS = ("loky", "multiprocessing", "dask", "ray")
CLUSTERS = {"dask": "dask[distributed]", "ray": "ray[default]"}

Item = TypeVar("Item")
Found = TypeVar("Found")


class Map(Protocol):
    """Maps a function over items, and yields results in the order in which they come.

    It raises what a worker died of: joblib's at once, a cluster's after all others.
    """

    def __call__(
        self, function: Callable[[Item], Found], items: Sequence[Item], /
    ) -> Iterator[Found]:
        """Yield the results."""


@contextmanager
def workers(backend: str, cluster: str | None, jobs: int) -> Iterator[Map]:
    """Start or join workers, and give what maps a function over items with them.

    Parameters
    ----------
    backend : str
        One of `BACKENDS`. Threads share torch's random numbers and are not offered.
    cluster : str or None
        Address of a Dask or Ray cluster; None starts one of `jobs` processes here.
    jobs : int
        Runs at a time.

    Yields
    ------
    Map
        ``mapped(function, items)``.
    """
    if backend not in BACKENDS:
        raise ValueError(
            f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}"
        )
    if backend in CLUSTERS:
        with {"dask": _dask, "ray": _ray}[backend](cluster, jobs) as theirs:
            yield theirs
        return

    def mapped(
        function: Callable[[Item], Found], items: Sequence[Item]
    ) -> Iterator[Found]:
        count = max(jobs, 2)  # joblib runs one job in this process, which may die of it
        pool = joblib.Parallel(n_jobs=count, return_as="generator_unordered")
        yield from pool(joblib.delayed(function)(item) for item in items)

    own = {"initializer": end_with, "initargs": (socket.gethostname(), os.getpid())}
    with joblib.parallel_config(backend, **(own if backend == "loky" else {})):
        yield mapped


@contextmanager
def _dask(cluster: str | None, jobs: int) -> Iterator[Map]:
    # joblib 1.6's own Dask backend waits for ever for a task whose worker died.
    try:
        import dask
        from distributed import Client, as_completed
    except ModuleNotFoundError as error:
        raise _missing("dask") from error

    own = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": ":0"}
    # What kills a worker is tried again by `attempts.records`, alone.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        Client(cluster) if cluster else Client(**own) as client,
    ):

        def mapped(
            function: Callable[[Item], Found], items: Sequence[Item]
        ) -> Iterator[Found]:
            futures = [client.submit(function, item, pure=False) for item in items]
            lost = None
            for future in as_completed(futures):
                if future.status == "finished":
                    yield future.result()
                else:
                    lost = future.exception()
            if lost is not None:
                raise lost

        yield mapped


@contextmanager
def _ray(cluster: str | None, jobs: int) -> Iterator[Map]:
    try:
        import ray
    except ModuleNotFoundError as error:
        raise _missing("ray") from error
    # Its workers here would look for `studies` where the driver's file is.
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    local = {"num_cpus": jobs, "runtime_env": {"env_vars": paths}}
    ray.init(cluster, **({} if cluster else local))

    def mapped(
        function: Callable[[Item], Found], items: Sequence[Item]
    ) -> Iterator[Found]:
        remote = ray.remote(max_retries=0)(_called)  # takes no partial function
        waiting, lost = [remote.remote(function, item) for item in items], None
        while waiting:
            (ready,), waiting = ray.wait(waiting, num_returns=1)
            try:
                yield ray.get(ready)
            except ray.exceptions.RayError as error:
                lost = error
        if lost is not None:
            raise lost

    try:
        yield mapped
    finally:
        ray.shutdown()


def _called(function: Callable[[Item], Found], item: Item) -> Found:
    return function(item)


def _missing(backend: str) -> ModuleNotFoundError:
    package = CLUSTERS[backend]
    return ModuleNotFoundError(
        f"the {backend} backend needs {package}; install it with: "
        f"pip install '{package}'"
    )
