"""What is claimed of conditioned weights and updates, as questions to the records.

Of Wang et al. (2026, PC Layer): with AdamW and with Muon, polynomials in the weights
make a transformer reach a loss sooner. Of Jordan et al. (2024): Muon is faster than
AdamW on text, and than SGD on CIFAR-10. Of Deng et al. (2026): RMNP is better than
AdamW, and competitive with Muon on text; on CIFAR-10 they have 94.02 % by AdamW, 94.33
by RMNP and 94.65 by Muon. Of Saratchandran, Wang and Lucey (2024), who step by SGD or
AdamW: equilibrated weights train faster.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from scipy.stats import spearmanr

from studies.analysis.contrasts import Contrast, at_best, last, minus
from studies.analysis.entries import Claim
from studies.analysis.runs import Run, as_runs, best_rate, grouped, setting_of
from studies.engine.records import Record

STUDY = "updates"
KINDS = {"text": ("Text", "AdamW"), "images": ("CIFAR-10", "SGD")}
METRICS = {"text": "bits_per_character", "images": "accuracy"}


def _sooner(kind: str, key: str, text: str, arm: str, than: str, method: str) -> Claim:
    return {
        "key": f"updates-{kind}-{key}",
        "claim": f"{KINDS[kind][0]}: {text}",
        "study": STUDY,
        "kind": kind,
        "arm": arm,
        "than": than,
        "rate": None,
        "method": method,
    }


def _of(kind: str) -> tuple[Claim, ...]:
    """Return the claims of speed, of a text or of images."""
    base = KINDS[kind][1]
    rows = (
        ("e", f"with {base}, E trains faster than plain weights", "E", "plain",
         "equilibration"),
        ("pc", f"with {base}, the PC layer trains faster than plain weights", "PC_gain",
         "plain", "PC layer"),
        ("muon", f"Muon trains faster than {base}", "plain+muon", "plain", "Muon"),
        ("rmnp", f"RMNP trains faster than {base}", "plain+rmnp", "plain", "RMNP"),
        ("pc-muon", "with Muon, the PC layer trains faster than plain weights",
         "PC_gain+muon", "plain+muon", "PC layer"),
        ("e-muon", "with Muon, E trains faster than plain weights", "E+muon",
         "plain+muon", "equilibration beside Muon"),
        ("e-rmnp", "with RMNP, E trains faster than plain weights", "E+rmnp",
         "plain+rmnp", "equilibration beside RMNP"),
        ("muon-e", "to condition updates by Muon gains more than weights by E",
         "plain+muon", "E", "Muon"),
    )  # fmt: skip
    return tuple(_sooner(kind, *row) for row in rows)


CLAIMS = tuple(claim for kind in KINDS for claim in _of(kind))


def better_at_the_end(
    records: Sequence[Record], kind: str, arm: str, than: str
) -> Mapping[int, float]:
    """Return by how much an arm's test metric is better, each at its own best rate."""
    name, largest = METRICS[kind], kind == "images"
    ends = [
        at_best(last(records, name, arm=which, kind=kind), largest=largest)
        for which in (arm, than)
    ]
    return minus(*ends) if largest else minus(*reversed(ends))


def rank_correlation(records: Sequence[Record], predictor: str) -> dict[int, float]:
    """Return Spearman's rho of arms' predictors and times, a seed a number.

    Each arm is at its own best rate, and predictors are taken early, as those of the
    pooled correlations. Runs of several settings have a mean of their correlations.
    """
    rhos: dict[int, list[float]] = {}
    for setting, own in grouped(records, setting_of).items():
        runs = _at_best_rates(as_runs(STUDY, setting, own))
        for seed, those in grouped(runs, lambda run: run.seed).items():
            pairs = [(run.predictors[predictor], run.speed) for run in those]
            rhos.setdefault(seed, []).append(_rho(pairs))
    return {seed: sum(found) / len(found) for seed, found in rhos.items()}


def _at_best_rates(runs: Sequence[Run]) -> list[Run]:
    kept = []
    for own in grouped(runs, lambda run: run.arm).values():
        rates = grouped(own, lambda run: run.lr)
        best = best_rate({lr: [run.time for run in rs] for lr, rs in rates.items()})
        kept += rates[best]
    return kept


def _rho(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the rank correlation; nan of fewer than three pairs, or of constants."""
    known = [pair for pair in pairs if not math.isnan(pair[0])]
    varied = all(len(set(column)) > 1 for column in zip(*known, strict=True))
    if len(known) < 3 or not varied:
        return math.nan
    return float(spearmanr(*zip(*known, strict=True))[0])


PREDICTED = (
    ("kappa_effective", "κ of the weights says which arm is sooner"),
    ("kappa_bound", "a bound of κ of the Hessian says which arm is sooner"),
    ("initial_scale", "the weights' size at the start says which arm is sooner (a "
     "control)"),
)  # fmt: skip


def _predicted(kind: str) -> tuple[Contrast, ...]:
    """Return whether a number that is known early says which arm is sooner."""
    return tuple(
        Contrast(
            f"updates-{kind}-{predictor.replace('_', '-')}",
            f"{KINDS[kind][0]}: {text}",
            "conditioning",
            STUDY,
            "Spearman's ρ with the steps to the loss, over arms at own best rates",
            partial(rank_correlation, predictor=predictor),
            {"kind": kind},
        )
        for predictor, text in PREDICTED
    )


def _ends(kind: str, text: str, arm: str, than: str) -> Contrast:
    unit = METRICS[kind].replace("_", " ")
    return Contrast(
        f"updates-{kind}-end",
        f"{KINDS[kind][0]}: {text}",
        "RMNP",
        STUDY,
        f"test metric at the end, how much better it is than the other's: {unit}",
        partial(better_at_the_end, kind=kind, arm=arm, than=than),
        {"kind": kind},
    )


CONTRASTS = (
    *_predicted("text"),
    _ends("text", "RMNP ends as well as Muon or better", "plain+rmnp", "plain+muon"),
    *_predicted("images"),
    _ends("images", "Muon ends better than RMNP", "plain+muon", "plain+rmnp"),
)
