"""The configs of a sweep, in an order in which it may be cut off."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from studies._common.store import Record, key_of


def grid(
    base: Any, arms: Sequence[str], lrs: Sequence[float], seeds: Iterable[int]
) -> list[Any]:
    """Return the configs of a sweep, arms next to each other.

    A sweep that is cut off has then run all arms equally often. Arms of one seed start
    from the same raw weights and see the same batches.
    """
    return [
        dataclasses.replace(base, arm=arm, lr=lr, seed=seed)
        for seed in seeds
        for lr in lrs
        for arm in arms
    ]


def reseeded(configs: Sequence[Any], seeds: int) -> list[Any]:
    """Return so many seeds of every config, one after the other."""
    kinds = dict.fromkeys(dataclasses.replace(config, seed=0) for config in configs)
    return [dataclasses.replace(k, seed=seed) for seed in range(seeds) for k in kinds]


def complete_cells(configs: Sequence[Any], found: Mapping[str, Record]) -> list[Record]:
    """Return the records of cells that are whole: of a setting and seed, every run.

    Less would favour the arms that happened to run first.

    Parameters
    ----------
    configs : sequence of frozen dataclass
        Of the whole sweep.
    found : dict
        Records by the keys of their configs.
    """
    keys = [key_of(config) for config in configs]
    cells = [dataclasses.replace(config, arm="", lr=0.0) for config in configs]
    missing = {cell for cell, key in zip(cells, keys, strict=True) if key not in found}
    return [
        found[key] for cell, key in zip(cells, keys, strict=True) if cell not in missing
    ]
