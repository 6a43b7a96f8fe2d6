"""Many runs: paired by seed, interleaved, in processes here or on a cluster."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from tqdm import tqdm

from studies.engine import attempts, ranks, resume, store
from studies.engine.attempts import MakeTask, Run
from studies.engine.configs import (
    AnyConfig,
    chosen,
    complete_cells,
    reseeded,
    settings_of,
)
from studies.engine.estimates import Costs
from studies.engine.loop import Watch, train
from studies.engine.options import Options
from studies.engine.provenance import provenance
from studies.engine.records import Config, Record
from studies.engine.store import Store
from studies.tasks.curvature import REVISION


def sweep(
    study: str,
    configs: Sequence[AnyConfig],
    make_task: MakeTask[AnyConfig],
    options: Options,
) -> list[Record]:
    """Run every config that has not been run, and write all records in their order.

    Parameters
    ----------
    study : str
        Its name.
    configs : sequence of frozen dataclass
        With at least the fields ``arm``, ``lr``, ``seed`` and ``steps``.
    make_task : callable
        ``make_task(config, options)``; a function of a module, so that processes can
        be sent its name.
    options : Options
        How to run.

    Returns
    -------
    list of dict
        As written to ``out/STUDY/PRESET.jsonl``: the file grows as cells are whole.

    Raises
    ------
    RunsFailedError
        If runs failed, once all others have ended; it has all records. They are tried
        again by the next sweep.
    ValueError
        If what is kept in the folder was made by other code or on other data.
    """
    folder = options.out / study / f".{options.preset}"
    configs = chosen(configs, options.choice)
    if options.seeds is not None:
        configs = reseeded(configs, options.seeds)
    if options.status:
        print(
            resume.status(f"{study} {options.preset}", configs, folder, _jobs(options))
        )
        return []
    if options.tensorboard and not importlib.util.find_spec("tensorboard"):
        raise ModuleNotFoundError(
            "logs for TensorBoard need it; install it with: pip install tensorboard"
        )
    if options.budget_seconds is not None:
        configs = _within_budget(configs, make_task, options, folder)
    for what, value in _made_of(configs, options).items():
        ranks.require_same(what, value)
    found = ranks.agreed(lambda: resume.kept(configs, folder, options))
    todo = [
        Run(study, config, make_task, options, folder)
        for config in configs
        if store.key_of(config) not in found
    ]
    path = options.out / study / f"{options.preset}.jsonl"
    with tqdm(total=len(configs), initial=len(found), desc=study, disable=None) as bar:
        ended = attempts.records(todo, run_one, options, _jobs(options))
        records = _written(ended, found, configs, path, bar.update)
    if any(record["status"] == store.FAILED for record in records):
        raise attempts.RunsFailedError(attempts.told(records, folder), records)
    return records


def _written(
    ended: Iterator[Record],
    found: dict[str, Record],
    configs: Sequence[Config],
    path: Path,
    told: Callable[[], object],
) -> list[Record]:
    """Return the records of whole cells, written whenever there are more of them."""
    written = 0
    for record in ended:
        told()
        found[record["key"]] = record
        whole = complete_cells(configs, found)
        if ranks.rank() == 0 and len(whole) > written:
            store.write_lines(path, whole)
            written = len(whole)
    records = complete_cells(configs, found)
    if ranks.rank() == 0:
        store.write_lines(path, records)
    return records


def _made_of(configs: Sequence[Config], options: Options) -> dict[str, object]:
    """Return what ranks must agree on before they start."""
    made, keys = provenance(torch.device("cpu")), list(map(store.key_of, configs))
    kind = {"device": options.device.type, "accumulate": options.accumulate}
    return {"code": made["code"], **made["versions"], **kind, "runs": keys}


def run_one(
    study: str,
    config: AnyConfig,
    make_task: MakeTask[AnyConfig],
    options: Options,
    folder: Path,
) -> Record:
    """Run one config from where it was left, keep its record and return it."""
    torch.set_num_threads(1)
    key, kept, device = store.key_of(config), Store(folder), options.device
    made_by = provenance(device, options.data)
    name = f"{study}/{config.arm}-{config.lr}-{config.seed}"
    with _watching(options, name) as watch, _without_denormals():
        outcome = train(
            ranks.in_turn(lambda: make_task(config, options)),
            seed=config.seed,
            steps=config.steps,
            device=device,
            finer=1 if options.preset == "real" else 4,  # many runs, kept in git
            accumulate=options.accumulate,
            checkpoint=kept.checkpoint(key),
            made_by=made_by,
            watch=watch,
        )
    record: Record = {
        "study": study,
        "preset": options.preset,
        "key": key,
        "config": settings_of(config),
        "status": outcome.status,
        "seconds": round(outcome.seconds, 2),
        "probe_seconds": round(outcome.probe_seconds, 2),
        "series": outcome.series,
        "tables": outcome.tables,
        "curvature_revision": REVISION,
        "accumulate": options.accumulate,
        **made_by,
    }
    return kept.finish(record) if ranks.rank() == 0 else record


def _jobs(options: Options) -> int:
    if ranks.count() > 1:
        return 1
    if options.jobs is not None:
        return options.jobs
    return 1 if options.device.type == "cuda" else os.cpu_count() or 1


def _within_budget(
    configs: Sequence[AnyConfig],
    make_task: MakeTask[AnyConfig],
    options: Options,
    folder: Path,
) -> list[AnyConfig]:
    """Return the configs with the steps of all scaled by one factor, at most 1.

    The factor is kept, so that a sweep that is taken up again stays the same.
    """
    budget = options.budget_seconds or 0.0
    path = folder / f"budget-{budget:g}.json"
    saved = ranks.agreed(lambda: store.read_lines(path) if path.exists() else [])
    if saved and not options.fresh:
        factor = saved[0].get("factor")
        if not isinstance(factor, float):
            raise store.DamagedError(f"{path} says no factor; start over with --fresh")
    else:
        times = ranks.together(lambda: _estimate(configs, make_task, options))
        steps, looks = ranks.agreed(lambda: times)
        factor = min(1.0, (budget - looks) / steps)
        if factor * min(config.steps for config in configs) < 1:
            raise ValueError(
                f"a budget of {budget:g} s is too little: evaluations and probes of "
                f"{len(configs)} runs take {looks:.0f} s, and all steps {steps:.0f} s"
            )
        if ranks.rank() == 0:
            store.write_lines(
                path, [{"factor": factor, "steps": steps, "looks": looks}]
            )
    return [
        dataclasses.replace(config, steps=max(1, round(factor * config.steps)))
        for config in configs
    ]


def _estimate(
    configs: Sequence[AnyConfig], make_task: MakeTask[AnyConfig], options: Options
) -> tuple[float, float]:
    """Return the seconds of the steps of all configs and of all else.

    By a short run of each kind.
    """
    costs: dict[tuple[object, ...], Costs] = {}
    for config in configs:
        if _kind(config) not in costs:
            task = make_task(config, options)
            costs[_kind(config)] = Costs.of(task, options.device)
    jobs = _jobs(options)
    steps = sum(costs[_kind(config)].step * config.steps for config in configs)
    looks = sum(costs[_kind(config)].looking(config.steps) for config in configs)
    return steps / jobs, looks / jobs


def _kind(config: Config) -> tuple[object, ...]:
    """Return what decides how long a step takes: the arm, and what it is of."""
    fields = ("experiment", "network", "depth", "batch")
    return config.arm, *(getattr(config, name, None) for name in fields)


@contextmanager
def _without_denormals() -> Iterator[None]:
    """Let numbers below 1e-38 be zero: else Gaussians' tails take most of the time."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextmanager
def _watching(options: Options, name: str) -> Iterator[Watch | None]:
    if options.tensorboard is None or ranks.rank() != 0:
        yield None
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(options.tensorboard / name) as writer:
        yield lambda series, step, value: writer.add_scalar(series, value, step)
