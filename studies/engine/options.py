"""How runs are to be done, as the command line says it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import torch

from studies.engine.configs import Choice


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
