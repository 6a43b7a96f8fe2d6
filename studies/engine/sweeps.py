"""Many runs: paired by seed, interleaved, in processes here or on a cluster."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from studies.engine import attempts, ranks, resume, store
from studies.engine.configs import Choice, chosen, complete_cells, reseeded
from studies.engine.estimates import Costs
from studies.engine.loop import Task, Watch, train
from studies.engine.provenance import provenance
from studies.engine.store import Record, Store
from studies.tasks.curvature import REVISION


@dataclass(frozen=True)
class Options:
    """What the command line says of how to run, not of what.

    Parameters
    ----------
    preset : str
        Of the study.
    data : pathlib.Path or None
        Where data sets are that are not built on the spot.
    out : pathlib.Path
        Where ``STUDY/PRESET.jsonl`` is written, and unfinished runs are kept.
    budget_seconds : float or None
        What all runs together may take, on the clock.
    place : {"cpu", "cuda"} or None
        Where to train; None has the presets for a GPU use one if it is there.
    jobs : int or None
        Runs at a time; as many as there are cores, one on a GPU or under torchrun.
        Small networks leave a GPU idle: several runs at a time share it.
    backend : {"loky", "multiprocessing", "dask", "ray"}
        Which of joblib's. Threads share torch's random numbers and are not offered.
    cluster : str or None
        Address of a Dask or Ray cluster; None starts one here.
    tensorboard : pathlib.Path or None
        Where to log series as they come.
    seeds : int or None
        How many of each config to run, instead of as many as the preset has.
    choice : Choice
        What of the preset to run.
    accumulate : int
        In how many parts a batch is computed, where memory is short.
    fresh : bool
        Start over: forget what is kept of these runs.
    status : bool
        Say what is done, and run nothing.
    """

    preset: str
    data: Path | None = None
    out: Path = Path("build/studies")
    budget_seconds: float | None = None
    place: str | None = None
    jobs: int | None = None
    backend: str = "loky"
    cluster: str | None = None
    tensorboard: Path | None = None
    seeds: int | None = None
    choice: Choice = field(default_factory=Choice)
    accumulate: int = 1
    fresh: bool = False
    status: bool = False

    @property
    def device(self) -> torch.device:
        """Return where to train.

        Raises
        ------
        ValueError
            If a GPU is asked for and there is none.
        """
        there = torch.cuda.is_available()
        if self.place == "cuda" and not there:
            raise ValueError(
                "--device cuda needs a CUDA device, and torch sees none here; leave it "
                "out to train on the CPU"
            )
        auto = "cuda" if there and self.preset in ("gpu", "paper") else "cpu"
        if (self.place or auto) == "cpu":
            return torch.device("cpu")
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


MakeTask = Callable[[Any, Options], Task]


def sweep(
    study: str, configs: Sequence[Any], make_task: MakeTask, options: Options
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
        (study, config, make_task, options, folder)
        for config in configs
        if store.key_of(config) not in found
    ]
    path = options.out / study / f"{options.preset}.jsonl"
    written = 0
    bar = tqdm(total=len(configs), initial=len(found), desc=study, disable=None)
    with bar:
        for record in attempts.records(todo, run_one, options, _jobs(options)):
            bar.update()
            found[record["key"]] = record
            whole = complete_cells(configs, found)
            if ranks.rank() == 0 and len(whole) > written:
                store.write_lines(path, whole)
                written = len(whole)
    records = complete_cells(configs, found)
    if ranks.rank() == 0:
        store.write_lines(path, records)
    if any(record["status"] == store.FAILED for record in records):
        raise attempts.RunsFailedError(attempts.told(records, folder), records)
    return records


def _made_of(configs: Sequence[Any], options: Options) -> dict[str, Any]:
    """Return what ranks must agree on before they start."""
    made, keys = provenance(torch.device("cpu")), list(map(store.key_of, configs))
    kind = {"device": options.device.type, "accumulate": options.accumulate}
    return {"code": made["code"], **made["versions"], **kind, "runs": keys}


def run_one(
    study: str, config: Any, make_task: MakeTask, options: Options, folder: Path
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
    record = {
        "study": study,
        "preset": options.preset,
        "key": key,
        "config": dataclasses.asdict(config),
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
    configs: Sequence[Any], make_task: MakeTask, options: Options, folder: Path
) -> list[Any]:
    """Return the configs with the steps of all scaled by one factor, at most 1.

    The factor is kept, so that a sweep that is taken up again stays the same.
    """
    budget = options.budget_seconds or 0.0
    path = folder / f"budget-{budget:g}.json"
    saved = ranks.agreed(lambda: store.read_lines(path) if path.exists() else [])
    if saved and not options.fresh:
        factor = saved[0]["factor"]
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
    configs: Sequence[Any], make_task: MakeTask, options: Options
) -> tuple[float, float]:
    """Return the seconds of the steps of all configs and of all else.

    By a short run of each arm.
    """
    costs: dict[str, Costs] = {}
    for config in configs:
        if config.arm not in costs:
            costs[config.arm] = Costs.of(make_task(config, options), options.device)
    jobs = _jobs(options)
    steps = sum(costs[config.arm].step * config.steps for config in configs)
    looks = sum(costs[config.arm].looking(config.steps) for config in configs)
    return steps / jobs, looks / jobs


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
