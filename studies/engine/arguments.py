"""What the command line of the studies takes."""

from __future__ import annotations

import argparse
from pathlib import Path

STUDIES = (
    "inception", "densenet", "high_learning_rate", "vit", "nerf", "shapes",
    "small_networks", "weight_standardization", "twins",
    "associate_normalization",
    "updates",
    "survey",
    "micro_batches",
    "segmentation",
    "point_clouds",
    "video",
)  # fmt: skip
PRESETS = ("smoke", "cpu", "real", "gpu", "paper")


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m studies``."""
    made = argparse.ArgumentParser(
        prog="python -m studies",
        description="Train networks by every arm of a study; a run that was cut off is "
        "taken up where it was, and a finished one is not run again.",
    )
    _add_what(made)
    _add_how(made)
    _add_analyse(made)
    return made


def _add_what(made: argparse.ArgumentParser) -> None:
    """Add what is run, of which preset and on what data."""
    add = made.add_argument
    names = (*STUDIES, "all", "analyse")
    add("name", choices=names, metavar="NAME", help=", ".join(names))
    add("--preset", choices=PRESETS, default="smoke", help="how much (default: smoke)")
    add(
        "--data",
        type=Path,
        metavar="DIR",
        help="where CIFAR-10 and the like are, downloaded else; or a text, FILE.txt",
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
    add("--network", default="", metavar="NAME", help="train this of several alone")


def _add_how(made: argparse.ArgumentParser) -> None:
    """Add where and how it is run, and what is told of it."""
    add = made.add_argument
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


def _add_analyse(made: argparse.ArgumentParser) -> None:
    """Add what the analysis reads and writes."""
    add = made.add_argument
    add(
        "--costs",
        type=Path,
        metavar="FILE",
        help="for analyse: what arms cost, of python -m benchmarks.training_step "
        "(default: own)",
    )
    for name, default in (
        ("results", Path(__file__).parents[1] / "results"),
        ("figures", Path("figures")),
    ):
        add(f"--{name}", type=Path, default=default, help="for analyse; default: own")
    pages = [Path("README.md"), Path("docs/results.md"), Path("docs/sources.md")]
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
