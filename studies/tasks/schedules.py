"""How the rate changes over a run."""

from __future__ import annotations

import math
from collections.abc import Callable


def schedule(name: str, warm_up: float = 0.0) -> Callable[[float], float]:
    """Return the factor of the rate after a share of the run.

    Parameters
    ----------
    name : str
        "constant"; "cosine", to zero; "poly", (1 - share)^0.9; "stairs", which
        multiplies by 0.7 after every 200,000 of the 2,456,000 clouds that
        `studies.point_clouds` says a run of the source sees; or "steps", which
        divides by ten after half and three quarters, or after other shares, as in
        "steps:0.3,0.6,0.9".
    warm_up : float
        Share of the run in which the rate rises linearly.

    Raises
    ------
    ValueError
        If there is no schedule of that name, or its shares do not ascend from 0 to 1.

    Examples
    --------
    >>> [round(schedule("cosine")(done), 3) for done in (0.0, 0.5, 1.0)]
    [1.0, 0.5, 0.0]
    >>> [round(schedule("steps:0.2,0.9")(done), 3) for done in (0.1, 0.2, 0.95)]
    [1.0, 0.1, 0.01]
    """
    kind, _, text = name.partition(":")
    shares = _shares(text) if kind == "steps" else ()
    shapes: dict[str, Callable[[float], float]] = {
        "constant": lambda _done: 1.0,
        "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
        "poly": lambda done: (1 - done) ** 0.9,
        "stairs": lambda done: 0.7 ** int(12.28 * done),
        "steps": lambda done: 0.1 ** sum(done >= share for share in shares),
    }
    if kind not in shapes or (text and kind != "steps"):
        raise ValueError(f"schedule must be one of {', '.join(shapes)}, got {name!r}")
    shape = shapes[kind]

    def factor(done: float) -> float:
        return shape(done) * (min(1.0, (done + 1e-3) / warm_up) if warm_up else 1.0)

    return factor


def _shares(text: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(part) for part in (text or "0.5,0.75").split(","))
    except ValueError:
        shares = ()
    if not shares or list(shares) != sorted({s for s in shares if 0 < s < 1}):
        raise ValueError(
            "a schedule in steps needs shares of the run that ascend between 0 and 1, "
            f"as in steps:0.3,0.6, got {text!r}"
        )
    return shares
