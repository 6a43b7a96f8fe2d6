"""Verify the catalogue and scale the collection, in two processes."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed

from condlab.collection import COLLECTION, CollectionMatrix
from condlab.errors import MissingExtraError
from condlab.report.matrices import scale_matrix
from condlab.report.records import Records
from condlab.report.trials import EXAMPLES, MORE_EXAMPLES, SEED, try_theorem
from condlab.theory import CATALOGUE, Theorem
from condlab.types import Record

Announce = Callable[[str], None]

WORKERS = 2
SETTINGS = {
    "examples": list(EXAMPLES.values()),
    "more_examples": MORE_EXAMPLES,
    "seed": SEED,
    "sizes": list(EXAMPLES),
}
# Two linear algebra threads a worker would fight over the cores, and sums would
# depend on how many cores there are.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def silent(message: str) -> None:
    """Show no progress."""


def collect(
    keys: Iterable[str], names: Iterable[str], progress: Announce = silent
) -> Records:
    """Verify theorems of the catalogue and scale matrices, in two processes.

    Parameters
    ----------
    keys : iterable of str
        Of the catalogue.
    names : iterable of str
        Of the collection.
    progress : callable
        ``progress(message)`` after each theorem and matrix.

    Returns
    -------
    Records
        In the order given, and the same whichever process did what.
    """
    # Matrices first: some take longer than any theorem, and would be waited for.
    tasks = [("matrix", name) for name in names] + [("theorem", key) for key in keys]
    workers = min(WORKERS, os.cpu_count() or 1)
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, spawn, initializer=_start_worker)
    with _one_thread(), pool:
        futures = {pool.submit(_do, *task): task for task in tasks}
        found = _gather(futures, progress)
    return Records(
        theorems=[found[task] for task in tasks if task[0] == "theorem"],
        matrices=[found[task] for task in tasks if task[0] == "matrix"],
        settings=SETTINGS,
    )


def collect_here(
    theorems: Iterable[Theorem], matrices: Iterable[CollectionMatrix]
) -> Records:
    """Verify and scale what is given, in this process.

    Parameters
    ----------
    theorems, matrices : iterable
        From the catalogue and the collection, or your own.

    Returns
    -------
    Records
        In the order given.
    """
    return Records(
        theorems=[try_theorem(theorem) for theorem in theorems],
        matrices=[_scale(matrix) for matrix in matrices],
        settings=SETTINGS,
    )


def _start_worker() -> None:
    """Prepare this process for tasks: see `_leave_with_parent` and `_do`."""
    _leave_with_parent()
    gc.freeze()
    gc.disable()


def _leave_with_parent() -> None:
    """Let this worker end when the process that started it does, however it does."""
    parent = multiprocessing.parent_process()
    if parent is None:  # called in no worker
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _gather(
    futures: dict[Future[Record], tuple[str, str]], progress: Announce
) -> dict[tuple[str, str], Record]:
    found = {}
    try:
        for done, future in enumerate(as_completed(futures), start=1):
            task = futures[future]
            found[task] = _result(future, task)
            progress(f"{done} of {len(futures)}: {task[1]}")
    finally:
        for future in futures:  # after an error or an interrupt; else all are done
            future.cancel()
    return found


def _result(future: Future[Record], task: tuple[str, str]) -> Record:
    try:
        return future.result()
    except Exception as error:
        error.add_note(f"while the report was at the {task[0]} {task[1]}")
        raise


def _do(kind: str, name: str) -> Record:
    try:
        if kind == "theorem":
            return try_theorem(CATALOGUE[name])
        return _scale(COLLECTION[name])
    finally:
        gc.collect()  # once a task: as examples allocate, an eighth of their time
        gc.freeze()  # what is left is caches, not to be looked through again


def _scale(matrix: CollectionMatrix) -> Record:
    try:
        return scale_matrix(matrix)
    except MissingExtraError as error:
        return {"name": matrix.name, "missing": str(error)}


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let the processes started within use one linear algebra thread each."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
