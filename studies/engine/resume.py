"""What of a sweep is there already: finished, begun, failed, damaged, of other code."""

from __future__ import annotations

import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from condlab.machine.files import clear_litter
from studies.engine.options import Options
from studies.engine.provenance import differences, provenance
from studies.engine.records import Config, Marker, Record
from studies.engine.store import DamagedError, Store, key_of, made_by

Argument = TypeVar("Argument")
Found = TypeVar("Found")


def kept(
    configs: Sequence[Config], folder: Path, options: Options
) -> dict[str, Record]:
    """Return the finished records of a sweep by key, and clear what a kill left.

    Damaged files are named on stderr and deleted: their runs start anew.

    Raises
    ------
    ValueError
        If records or checkpoints were made by other code, versions, data or ranks:
        they are not mixed with new ones.
    """
    for place in (folder, folder.parent):  # of runs, and of the file of all
        clear_litter(place)
    store, found = Store(folder), {}
    others: dict[str, list[Path]] = defaultdict(list)
    here = provenance(options.device, options.data)
    for key in map(key_of, configs):
        if options.fresh:
            store.forget(key)
            continue
        store.forget_the_dead(key)
        record = _whole(store.record, key, folder / f"{key}.json")
        if record is not None:
            found[key] = record
        saved = store.checkpoint(key)
        made = record or _whole(made_by, saved, saved)
        for difference in [] if made is None else differences(made, here):
            others[difference].append(folder / key)
    if others:
        said = "; ".join(
            f"{len(paths)} made by {difference}" for difference, paths in others.items()
        )
        raise ValueError(
            f"runs in {folder} are not of this code, these versions, this data or so "
            f"many processes: {said}; start over with --fresh, or name another --out"
        )
    return found


def _whole(
    read: Callable[[Argument], Found | None], argument: Argument, path: Path
) -> Found | None:
    try:
        return read(argument)
    except DamagedError as error:
        print(f"studies: {error}; that run starts anew", file=sys.stderr)
        path.unlink(missing_ok=True)
        return None


def status(study: str, configs: Sequence[Config], folder: Path, jobs: int) -> str:
    """Return how many runs are done, running, failed and left, and how long it takes.

    Parameters
    ----------
    study : str
        Its name.
    configs : sequence of frozen dataclass
        Of the sweep.
    folder : pathlib.Path
        Where its runs are kept.
    jobs : int
        Runs at a time, if none is running now.
    """
    store = Store(folder)
    keys = {key_of(config): config for config in configs}
    done, failed, running = {}, {}, {}
    for key in keys:
        try:
            record, lost = store.record(key), store.failure(key)
        except DamagedError:
            continue
        marker = store.running(key)
        if record is not None:
            done[key] = record
        elif marker is not None and marker["alive"]:
            running[key] = marker
        elif lost is not None:
            failed[key] = lost
    left = [key for key in keys if key not in done]
    lines = [
        f"{study}: {len(done)} of {len(keys)} runs done, {len(running)} running, "
        f"{len(failed)} failed, {len(left) - len(running) - len(failed)} not begun; "
        f"{_rest(keys, done, running, len(running) or jobs)}"
    ]
    lines += [
        f"  failed: {r['error']} ({folder / k}.failed.txt)" for k, r in failed.items()
    ]
    return "\n".join(lines)


def _rest(
    keys: Mapping[str, Config],
    done: Mapping[str, Record],
    running: Mapping[str, Marker],
    jobs: int,
) -> str:
    """Return how long the rest takes, by what the runs of each arm took so far."""
    if len(done) == len(keys):
        return "nothing is left"
    if not done:
        return "how long the rest takes is not known before a run has ended"
    times: dict[str, list[float]] = defaultdict(list)
    for key, record in done.items():
        times[keys[key].arm].append(record["seconds"] / keys[key].steps)
    each = {arm: statistics.mean(found) for arm, found in times.items()}
    other = statistics.mean(each.values())
    seconds = 0.0
    for key, config in keys.items():
        if key not in done:
            spent = time.time() - running[key]["time"] if key in running else 0.0
            whole = each.get(config.arm, other) * config.steps
            seconds += max(0.0, whole - spent)
    return f"the rest takes some {_words(seconds / jobs)}, {jobs} at a time"


def _words(seconds: float) -> str:
    """Return a time in words.

    Examples
    --------
    >>> _words(40), _words(600), _words(9000)
    ('40 s', '10 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
