"""What runs say of a claim that one arm is faster than another, in words."""

from __future__ import annotations

import math

from studies.analysis.entries import Judged, Ratio, Seen, Withdrawn
from studies.engine.records import as_float

NAMES = {"psnr": "PSNR", "iou": "IoU", "bits_per_character": "bits per character"}
COLUMNS = (
    "claim", "seen on", "steps, own best rates", "at equal rates",
    "at the source's rate", "test, at the end", "verdict",
)  # fmt: skip


def speed(ratio: Ratio) -> str:
    """Return a ratio of steps from that of its binary logarithm.

    A bound is written as one: ">" where runs of the arm never arrived, "<" where runs
    of the other did not.

    Examples
    --------
    >>> speed({"value": 1.0, "lower": 0.0, "upper": 2.0, "n": 6})
    '2.00 [1.00, 4.00], n = 6'
    >>> bound = {"bound": ">", "reached": [0, 3], "pairs": 3}
    >>> speed({"value": 1.0, "lower": 0.0, "upper": "inf", "n": 3, **bound})
    '> 2.00 [1.00, ∞), n = 3, arrived 0 and 3 of 3'
    """
    pairs = ratio.get("pairs", 0)
    reached = ratio.get("reached", [pairs, pairs])
    arrived = f"arrived {reached[0]} and {reached[1]} of {pairs}"
    bound = ratio.get("bound", "")
    if bound == "?":
        return f"undecided, {arrived}"
    logs = map(as_float, (ratio["value"], ratio["lower"], ratio["upper"]))
    value, lower, upper = (2**x for x in logs)
    low = f"[{lower:.2f}" if lower > 0 else "(0"
    high = "∞)" if math.isinf(upper) else f"{upper:.2f}]"
    text = f"{bound} {value:.2f} {low}, {high}, n = {ratio['n']}".strip()
    return text if reached == [pairs, pairs] else f"{text}, {arrived}"


def cells(claim: Judged) -> list[str]:
    """Return the cells of a claim's row in the order of `COLUMNS`.

    Examples
    --------
    >>> cells({"claim": "E is faster", "verdict": "not testable here"})
    ['E is faster', '–', '–', '–', '–', '–', 'not testable here']
    """
    if "own" not in claim or "matched" not in claim:
        return [claim["claim"], *["–"] * (len(COLUMNS) - 2), claim["verdict"]]
    own, matched = speed(claim["own"]), speed(claim["matched"])
    if edges := claim.get("edge"):
        own += f"; best rate at the sweep's edge: {', '.join(edges)}"
    source = "–"
    if ratio := claim.get("source"):
        source = f"rate {claim['rate']:g}: {speed(ratio)}"
    found = [own, matched, source, end(claim), judged(claim)]
    return [claim["claim"], seen(claim.get("seen")), *found]


def seen(about: Seen | None) -> str:
    """Return data, network, budget and seeds.

    Examples
    --------
    >>> seen({"data": "digits", "network": "ViT", "parameters": 201_234,
    ...     "steps": 70, "epochs": 1.6, "seeds": 4})
    'digits; ViT, 201,234 parameters; 70 steps (1.6 epochs); 4 seeds'
    """
    if about is None:
        return "–"
    epochs = about.get("epochs")
    times = "" if not epochs else f" ({epochs:g} epoch{'' if epochs == 1 else 's'})"
    budget = f"{about['steps']} steps{times}"
    seeds = f"{about['seeds']} seed" + ("s" if about["seeds"] != 1 else "")
    count = about.get("parameters")
    network = about["network"] + (f", {count:,} parameters" if count else "")
    return f"{about['data']}; {network}; {budget}; {seeds}"


def end(claim: Judged) -> str:
    """Return the test metric of both arms at the end of their own best rates."""
    found = claim.get("end")
    if not found:
        return "–"
    arm, than = (
        f"{as_float(found['arms'][who]['value']):.3g}"
        for who in (claim["arm"], claim["than"])
    )
    gap = found["difference"]
    ends = ", ".join(f"{as_float(x):+.3f}" for x in (gap["lower"], gap["upper"]))
    name = NAMES.get(found["metric"], found["metric"])
    return f"{name} {arm} against {than} [{ends}]".replace("-", "−")


def judged(claim: Judged) -> str:
    """Return the verdict, and the controls without which it would mislead."""
    verdict = str(claim["verdict"])
    if verdict == "reproduced" and (alike := claim.get("alike")):
        return f"{verdict}; as fast: {', '.join(alike)}"
    if verdict == "contradicted" and (beside := claim.get("beside")):
        told = [f"{arm} {speed(ratio)}" for arm, ratio in beside.items()]
        return f"{verdict}; but {'; '.join(told)}"
    return verdict


def withdrawn(rows: list[Withdrawn]) -> str:
    """Return which series of old records the analysis leaves out, or nothing."""
    if not rows:
        return ""
    arms = ", ".join(sorted({row["arm"] for row in rows}))
    runs = {(row["study"], row["arm"]): row["runs"] for row in rows}
    return (
        f"Withdrawn: what the records of {sum(runs.values())} weight-normalised runs "
        f"({arms}) say of the Hessian. torch 2.13's kernel, which they differentiated "
        "twice, gives an unsymmetric matrix; newer records differentiate the formula."
    )


def words(found: list[list[str]]) -> str:
    """Return what the verdict words mean."""
    meant = [f"*{word}*: {meaning}" for word, meaning in found]
    return "; ".join(meant) + "." if meant else ""
