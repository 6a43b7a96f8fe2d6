"""What a training step of each arm costs, beside the plain network's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from studies.analysis.entries import Cost, Step
from studies.engine.records import as_float

Value = TypeVar("Value")

COLUMNS = ("network", "arm", "step time", "peak memory")
NETWORKS = {"resnet18": "ResNet-18", "vit_tiny": "ViT-tiny", "nerf": "NeRF"}
ARMS = {
    "conditioned": "E, all layers",
    "weight_norm": "weight normalisation",
    "weight_standardization": "weight standardization",
}


def cells(costs: Mapping[str, Cost]) -> list[list[str]]:
    """Return a row for each network and arm in the order of `COLUMNS`.

    Parameters
    ----------
    costs : dict
        As ``python -m benchmarks.training_step`` writes it.

    Examples
    --------
    >>> step = {"ratio": 1.021, "ratio_quartiles": [1.019, 1.047]}
    >>> cells({"nerf": {"training": {"plain": {}, "conditioned": step},
    ...     "peak_ratio": {"plain": 1.0, "conditioned": 1.004}, "parameters": 595844}})
    [['NeRF, 595,844 parameters', 'E, all layers', '1.02 [1.02, 1.05]', '1.00']]
    """
    return [
        [
            f"{NETWORKS.get(name, name)}, {found['parameters']:,} parameters",
            ARMS.get(arm, arm.replace("_", " ")),
            _ratio(step),
            f"{as_float(found['peak_ratio'][arm]):.2f}",
        ]
        for name, found in _in_order(costs, NETWORKS)
        if "training" in found
        for arm, step in _in_order(found["training"], ARMS)
        if arm != "plain"
    ]


def words(costs: Mapping[str, Cost]) -> str:
    """Return what the numbers are, and of which machine.

    Examples
    --------
    >>> words({"environment": {"torch": "2.13.0", "gpu": "H200"}})[-25:]
    'iles; torch 2.13.0, H200.'
    """
    about = costs.get("environment", Cost())
    place = about.get("gpu") or "one thread of a CPU"
    return (
        "What an arm costs: a training step's time and peak memory over those of the "
        "plain network in the same turns, medians with quartiles; "
        f"torch {about.get('torch', '?')}, {place}."
    )


def table(costs: Mapping[str, Cost]) -> str:
    """Return the words and the table as Markdown; nothing where there are no costs."""
    found = cells(costs)
    if not found:
        return ""
    rows = [list(COLUMNS), ["---"] * len(COLUMNS), *found]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{words(costs)}\n\n{lines}"


def _in_order(
    found: Mapping[str, Value], known: Mapping[str, str]
) -> list[tuple[str, Value]]:
    """Return what is known first, whatever the file's order is."""
    names = [*known, *sorted(found.keys() - known.keys())]
    return [(name, found[name]) for name in names if name in found]


def _ratio(step: Step) -> str:
    low, high = (f"{as_float(x):.2f}" for x in step["ratio_quartiles"])
    return f"{as_float(step['ratio']):.2f} [{low}, {high}]"
