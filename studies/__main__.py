"""Run studies: ``python -m studies NAME --preset smoke|cpu|real|gpu|paper``.

``python -m studies analyse`` goes from the committed records to results, figures and
the README's table.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studies.engine.options import Options

os.environ.setdefault("OMP_NUM_THREADS", "1")

STUDIES = (
    "inception", "densenet", "high_learning_rate", "vit", "nerf", "shapes",
    "small_networks", "weight_standardization", "twins",
    "segmentation",
    "point_clouds",
)  # fmt: skip
PRESETS = ("smoke", "cpu", "real", "gpu", "paper")


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line says; return 0, 1 if runs failed, 2 on bad input."""
    given = _parser().parse_args(arguments)
    if given.name == "analyse":
        return _analyse(given)
    try:
        from studies.engine import ranks

        options = _options(given)
    except ModuleNotFoundError as error:
        return _complain(f"{error}; install it with: pip install 'condlab[studies]'")
    names = STUDIES if given.name == "all" else (given.name,)
    try:
        with ranks.joined(given.timeout_minutes):
            try:
                return max(
                    ranks.together(partial(_run, name, options, as_json=given.json))
                    for name in names
                )
            except ranks.RankLostError:
                raise
            except (ValueError, OSError, ModuleNotFoundError) as error:
                if ranks.rank() == 0:  # all have the same
                    _complain(str(error))
                ranks.gathered(None)  # torchrun stops all when the first one ends
                return 2
    except ranks.RankLostError as error:
        return _complain(str(error))


def _options(given: argparse.Namespace) -> Options:
    """Return how to run, as the command line says it."""
    from studies.engine.configs import Choice
    from studies.engine.options import Options

    return Options(
        preset=given.preset,
        data=given.data,
        out=given.out,
        budget_seconds=given.budget_seconds,
        place=given.device,
        jobs=given.jobs,
        backend=given.backend,
        cluster=given.cluster,
        tensorboard=given.tensorboard,
        seeds=given.seeds,
        accumulate=given.accumulate,
        fresh=given.fresh,
        status=given.status,
        choice=Choice(
            given.arms, given.rates, given.steps, given.dataset, given.optimiser
        ),
    )


def _analyse(given: argparse.Namespace) -> int:
    """Write what the records say, and where a report is, draw it anew."""
    if given.costs is not None and not given.costs.is_file():
        return _complain(f"--costs needs a file, and there is no {given.costs}")
    try:
        from condlab.report import pages, sections
        from studies.analysis import blocks, meta_analysis
        from studies.figures import draw

        costs = given.costs or meta_analysis.COSTS
        path = meta_analysis.main(given.results, costs=costs)
        print(path)
        if (given.figures / "data").is_dir():
            found = json.loads(path.read_text("utf-8"))
            drawn = draw(found, given.figures)
            names = [figure.stem for figure in drawn]
            drawn.append(sections.write(blocks.section(found, names), given.figures))
            for page in filter(Path.is_file, given.pages):
                pages.rewrite(page, blocks.parts(found))
            print(*drawn, sep="\n")
    except (ValueError, OSError, ModuleNotFoundError) as error:
        return _complain(str(error))
    return 0


def _run(name: str, options: Options, *, as_json: bool) -> int:
    """Run a study and print its records; return 1 if runs failed."""
    from studies.engine.attempts import RunsFailedError
    from studies.engine.store import to_line
    from studies.engine.summary import tables

    failed = None
    try:
        records = importlib.import_module(f"studies.{name}").main(options)
    except RunsFailedError as error:
        failed, records = error, error.records
    if os.environ.get("RANK", "0") == "0" and not options.status:
        if as_json:
            sys.stdout.writelines(map(to_line, records))
        else:
            print(tables(records))
        if failed is not None:
            print(f"studies: {failed}", file=sys.stderr)
    return 0 if failed is None else 1


def _complain(message: str) -> int:
    print(f"studies: {message}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studies",
        description="Train networks by every arm of a study; a run that was cut off is "
        "taken up where it was, and a finished one is not run again.",
    )
    _add_what(parser)
    _add_how(parser)
    _add_analyse(parser)
    return parser


def _add_what(parser: argparse.ArgumentParser) -> None:
    """Add what is run, of which preset and on what data."""
    add = parser.add_argument
    names = (*STUDIES, "all", "analyse")
    add("name", choices=names, metavar="NAME", help=", ".join(names))
    add("--preset", choices=PRESETS, default="smoke", help="how much (default: smoke)")
    add(
        "--data",
        type=Path,
        metavar="DIR",
        help="where CIFAR-10 and the like are; they are downloaded otherwise",
    )
    add(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("build/studies"),
        help="where records go, DIR/NAME/PRESET.jsonl (default: build/studies)",
    )
    add(
        "--budget-seconds",
        type=_positive,
        metavar="S",
        help="scale the steps of all arms so that all runs together take about S",
    )
    add("--seeds", type=_count, metavar="N", help="run N of each (default: as preset)")
    add("--arms", type=_names, default=(), metavar="A,B", help="run these alone")
    add("--rates", type=_rates, default=(), metavar="X,Y", help="try these instead")
    add("--steps", type=_count, metavar="N", help="make so many instead")
    add(
        *("--dataset", "--scene"),
        default="",
        metavar="NAME",
        help="train on this data set, scene or solid instead",
    )
    add(
        "--optimiser",
        default="",
        choices=("sgd", "adamw", "muon", "rmnp"),
        help="step by this instead, in studies of classification",
    )


def _add_how(parser: argparse.ArgumentParser) -> None:
    """Add where and how it is run, and what is told of it."""
    add = parser.add_argument
    add(
        "--accumulate",
        type=_count,
        default=1,
        metavar="N",
        help="compute each batch in N parts, where memory is short",
    )
    add(
        "--device",
        choices=("cpu", "cuda"),
        help="where to train (default: gpu and paper on a GPU if there is one)",
    )
    add(
        "--jobs",
        type=_count,
        metavar="N",
        help="runs at a time (default: all cores, one on a GPU)",
    )
    add(
        "--backend",
        default="loky",
        choices=("loky", "multiprocessing", "dask", "ray"),
        help="joblib's, for the runs (default: loky)",
    )
    add("--cluster", metavar="ADDRESS", help="of Dask or Ray (default: one here)")
    add(
        "--timeout-minutes",
        type=_positive,
        default=10.0,
        metavar="M",
        help="how long torchrun's processes wait for each other (default: 10)",
    )
    add("--fresh", action="store_true", help="start over: forget these runs")
    add("--status", action="store_true", help="say what is done, and run nothing")
    add("--tensorboard", type=Path, metavar="DIR", help="log series there")
    add("--json", action="store_true", help="print the records, one a line")


def _add_analyse(parser: argparse.ArgumentParser) -> None:
    """Add what the analysis reads and writes."""
    add = parser.add_argument
    add(
        "--costs",
        type=Path,
        metavar="FILE",
        help="for analyse: what arms cost, of python -m benchmarks.training_step "
        "(default: own)",
    )
    for name, default in (
        ("results", Path(__file__).parent / "results"),
        ("figures", Path("figures")),
    ):
        add(f"--{name}", type=Path, default=default, help="for analyse; default: own")
    pages = [Path("README.md"), Path("docs/results.md")]
    add("--pages", type=Path, nargs="+", default=pages, help="for analyse")


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"a positive number is needed, got {text}")
    return value


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _rates(text: str) -> tuple[float, ...]:
    return tuple(_positive(part) for part in text.split(","))


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"a number from 1 up is needed, got {text}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
