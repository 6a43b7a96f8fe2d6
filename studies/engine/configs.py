"""The configs of a sweep, in an order in which it may be cut off."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from studies.engine.records import Config, Record, Settings
from studies.engine.store import key_of

AnyConfig = TypeVar("AnyConfig", bound=Config)


def grid(
    base: AnyConfig, arms: Sequence[str], lrs: Sequence[float], seeds: Iterable[int]
) -> list[AnyConfig]:
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


def settings_of(config: Config) -> Settings:
    """Return a config as its record says it."""
    found: Any = dataclasses.asdict(config)
    return found


def reseeded(configs: Sequence[AnyConfig], seeds: int) -> list[AnyConfig]:
    """Return so many seeds of every config, one after the other."""
    kinds = dict.fromkeys(dataclasses.replace(config, seed=0) for config in configs)
    return [dataclasses.replace(k, seed=seed) for seed in range(seeds) for k in kinds]


@dataclasses.dataclass(frozen=True)
class Choice:
    """What of a preset to run, and what to run in its place.

    Parameters
    ----------
    arms : tuple of str
        Of the study's; none means all.
    rates : tuple of float
        To try instead of the preset's; none means those.
    steps : int or None
        Instead of the preset's.
    data : str
        The data set, scene or solid instead of the preset's.
    optimiser : str
        Instead of the preset's, where the study lets it be chosen.
    network : str
        Of the preset's; none means all.
    """

    arms: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()
    steps: int | None = None
    data: str = ""
    optimiser: str = ""
    network: str = ""


def chosen(configs: Sequence[AnyConfig], choice: Choice) -> list[AnyConfig]:
    """Return the configs that are wanted, each once.

    Raises
    ------
    ValueError
        If an arm or the network is none of the preset's, or the study has one
        optimiser alone.
    """
    configs = _of_network(configs, choice.network)
    there = dict.fromkeys(config.arm for config in configs)
    for arm in choice.arms:
        if arm not in there:
            raise ValueError(f"the preset's arms are {', '.join(there)}; got {arm!r}")
    changes: dict[str, object] = {}
    if choice.steps is not None:
        changes["steps"] = choice.steps
    if choice.data:
        changes["data"] = choice.data
    if choice.optimiser:
        if not all(hasattr(config, "optimiser") for config in configs):
            raise ValueError(
                f"this study trains by one optimiser alone, got {choice.optimiser!r}; "
                "leave it out"
            )
        changes["optimiser"] = choice.optimiser
    wanted = [
        dataclasses.replace(config, **changes)
        for config in configs
        if config.arm in (choice.arms or there)
    ]
    if not choice.rates:
        return list(dict.fromkeys(wanted))
    cells: dict[AnyConfig, dict[AnyConfig, None]] = {}  # arms stay next to each other
    for config in wanted:
        cell = dataclasses.replace(config, arm="", lr=0.0)
        cells.setdefault(cell, {})[dataclasses.replace(config, lr=0.0)] = None
    return [
        dataclasses.replace(config, lr=lr)
        for own in cells.values()
        for lr in choice.rates
        for config in own
    ]


def _of_network(configs: Sequence[AnyConfig], name: str) -> Sequence[AnyConfig]:
    there = dict.fromkeys(settings_of(config).get("network", "") for config in configs)
    if not name:
        return configs
    if name not in there:
        known = ", ".join(filter(None, there)) or "one alone, which has no name"
        raise ValueError(f"the preset's networks are {known}; got {name!r}")
    return [c for c in configs if settings_of(c).get("network") == name]


def complete_cells(
    configs: Sequence[Config], found: Mapping[str, Record]
) -> list[Record]:
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
