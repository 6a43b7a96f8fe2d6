"""The question of all studies, answered in one paragraph from what was found."""

from __future__ import annotations

from collections.abc import Sequence

from studies.analysis.claims.equilibration import EQUILIBRATION
from studies.analysis.claims.standardization import STANDARDIZATION
from studies.analysis.entries import Correlation, Judged, Setting
from studies.analysis.labels import data_words
from studies.engine.records import as_float

NAMES = {
    "kappa_effective": "κ of the weights that a layer multiplies with",
    "kappa_hessian": "κ of the Hessian, exact in small networks and twins,",
    "kappa_sphere": "the same without the lengths of rows that do not count",
    "kappa_quotient": "the same on the space that all arms share",
    "kappa_bound": "a certain lower bound of κ of the Hessian, in large ones,",
    "lambda_max": "λ_max of the Hessian",
}
STRENGTHS = ((0.1, "none to speak of"), (0.3, "weak"), (0.5, "moderate"))


def answer(
    correlations: Sequence[Correlation],
    claims: Sequence[Judged],
    settings: Sequence[Setting],
) -> str:
    """Return whether condition numbers go with convergence, by how much, and on what.

    Parameters
    ----------
    correlations, claims, settings : sequence of dict
        As `studies.analysis.meta_analysis` finds them.
    """
    pooled = {c["predictor"]: c for c in correlations if c["study"] == "pooled"}
    if not pooled:
        return ""
    rows = [
        f"{name} has ρ = {_rho(pooled[key])}"
        for key, name in NAMES.items()
        if key in pooled
    ]
    control = [
        c
        for c in correlations
        if (c["study"], c["predictor"]) == ("quadratics", "kappa_hessian")
    ]
    sure = [f"On quadratics, where κ must: ρ = {_rho(c)}." for c in control]
    return " ".join(filter(None, [
        "**Does the condition number go with convergence?** Spearman's ρ with the "
        f"steps to a loss, within learning rates, pooled: {'; '.join(rows)} "
        "(below 0: the larger it is, the fewer steps).",
        *sure,
        *(_gains(method, claims) for method in (EQUILIBRATION, STANDARDIZATION)),
        f"Seen on {_data(settings)}.",
    ]))  # fmt: skip


def _rho(found: Correlation) -> str:
    rho, lower, upper = map(as_float, (found["rho"], found["lower"], found["upper"]))
    strength = next((w for most, w in STRENGTHS if abs(rho) < most), "strong")
    if lower <= 0 <= upper:
        strength = "not told from none"
    text = f"{rho:.2f} [{lower:.2f}, {upper:.2f}]".replace("-", "−")
    return f"{text} ({strength}, {found['runs']} runs)"


def _gains(method: str, claims: Sequence[Judged]) -> str:
    """Return in how many claims a method was faster, and beside which controls."""
    judged = [
        c
        for c in claims
        if "own" in c and c["study"] != "quadratics" and c["method"] == method
    ]
    if not judged:
        return ""
    faster = [c for c in judged if c["verdict"] == "reproduced"]
    slower = [c for c in judged if c["verdict"] == "contradicted"]
    alike = [c for c in faster if c.get("alike")]
    words = (
        f"Of {len(judged)} comparisons of networks with and without {method} it "
        f"was certainly faster in {len(faster)} and slower in {len(slower)}"
    )
    if not alike:
        return f"{words}."
    return (
        f"{words}; in {len(alike)} of those {len(faster)} its time is not told from "
        "that of a control that shares its start or scale, and not its κ."
    )


def _data(settings: Sequence[Setting]) -> str:
    # Linear models have no test metric, and no condition number that is pooled.
    names = [s["data"] for s in settings if s["metric"]]
    return data_words(list(dict.fromkeys(names)))
