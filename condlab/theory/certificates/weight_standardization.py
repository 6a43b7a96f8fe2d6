"""Statements of the false claims of "Weight standardization".

By the chain rule: with g the gradient by What = Wdot / sigma, that by Wdot is
(g - <What, g> What / I) / sigma, and that by W is the same without its mean.
"""

from __future__ import annotations

from condlab.theory.certificates.statement import Statement, equal

CHANNEL = (
    ("I", "rows(w)"),
    ("dot", "w - sum(w) / I"),
    ("sigma", "sqrt(sum(dot * dot) / I)"),
    ("hat", "dot / sigma"),
)
GRADIENTS = (
    *CHANNEL,
    ("by_dot", "(g - hat * sum(hat * g) / I) / sigma"),
    ("by_w", "by_dot - sum(by_dot) / I"),
)
VARIES = ("positive(sum(dot * dot))",)


def _equation(left: str, right: str, gradient: str) -> Statement:
    return Statement(
        "w g", equal(left, right.replace("G", gradient)), VARIES, GRADIENTS
    )


ALONG = "sum(hat * G) / I"
RIGHT = {
    8: ("by_dot", f"(G - hat * {ALONG}) / sigma"),
    9: ("by_w", "G - sum(G) / I"),
    10: (
        "sum(by_dot * by_dot)",
        f"(sum(G * G) + {ALONG} * ({ALONG}) * (sum(hat * hat) - 2 * I))"
        " / (sigma * sigma)",
    ),
    11: (
        "sum(by_dot * by_dot)",
        "(sum(G * G) - sum(hat * G) * sum(hat * G) / I) / (sigma * sigma)",
    ),
    13: ("sum(by_w * by_w)", "sum(G * G) - sum(G) * sum(G) / I"),
    14: (
        "sum(by_dot) * sum(by_dot) / I",
        f"(sum(G) - {ALONG} * sum(hat)) * (sum(G) - {ALONG} * sum(hat))"
        " / (I * sigma * sigma)",
    ),
    15: (
        "sum(by_w * by_w)",
        "sum(by_dot * by_dot) - sum(G) * sum(G) / (I * sigma * sigma)",
    ),
}
EQUATIONS = {
    **{f"ws-eq{k}": _equation(*RIGHT[k], "by_w") for k in (8, 10, 11, 14, 15)},
    **{f"ws-eq{k}-dot": _equation(*RIGHT[k], "by_dot") for k in (8, 10, 11, 14, 15)},
    **{f"ws-eq{k}-hat": _equation(*RIGHT[k], "g") for k in (9, 13)},
    "ws-eq12-sigma-kept": Statement(
        "w g",
        "sqrt(sum(by_dot * by_dot)) <= sqrt(sum(g * g))",
        VARIES,
        GRADIENTS,
    ),
    "ws-eq4-index": Statement(
        "W",
        # Row i of the deviation over sigma_j, squared and summed over j, is I.
        equal("(deviation * deviation) @ (one / squares)", "I * ones"),
        ("positive(squares)",),
        (
            ("I", "rows(W)"),
            ("ones", "diagonal(eye(W))"),
            ("deviation", "W - W @ ones @ ones.T / I"),
            ("squares", "diagonal(deviation.T @ deviation) / I"),
        ),
    ),
}

HESSIAN = (
    ("I", "rows(H)"),
    ("ones", "diagonal(eye(H))"),
    ("P", "eye(H) - ones @ ones.T / I"),
    ("K", "P @ H @ P"),  # the Hessian by W, where H is that by Wdot
    ("total", "sum(H) * sum(H) / (I * I)"),
    ("lines", "(sum(H @ ones * (H @ ones)) + sum(H.T @ ones * (H.T @ ones))) / I"),
)
THROUGH = (
    *CHANNEL,
    ("ones", "diagonal(eye(H))"),
    ("P", "eye(H) - ones @ ones.T / I"),
    ("J", "(eye(H) - hat @ hat.T / I) / sigma"),
    ("along", "sum(g * hat)"),
    ("bend", "g @ hat.T + hat @ g.T + along * eye(H) - 3 * along * hat @ hat.T / I"),
    ("K", "P @ (J @ H @ J - bend / (I * sigma * sigma)) @ P"),
)
SYMMETRIC = ("abs(H - H.T) <= 0",)


def _size(matrix: str) -> str:
    return f"sqrt(sum({matrix} * {matrix}))"


HESSIANS = {
    "ws-eq17": Statement(
        "H g w",
        equal("K", "H - M - M.T + sum(H) / (I * I)"),
        (*SYMMETRIC, *VARIES),
        (*THROUGH, ("M", "H @ ones @ ones.T / I")),
    ),
    "ws-eq19": Statement(
        "H", f"{_size('K')} <= {_size('H')} - total", SYMMETRIC, HESSIAN
    ),
    "ws-eq19-first-line": Statement(
        "H", equal(_size("K"), "sum(K * K)"), SYMMETRIC, HESSIAN
    ),
    "ws-eq19-second-line": Statement(
        "H", equal(_size("K"), f"{_size('H')} + total - lines"), SYMMETRIC, HESSIAN
    ),
    "ws-eq19-prose": Statement(
        "H", f"{_size('H')} <= {_size('K')}", SYMMETRIC, HESSIAN
    ),
    "ws-eq19-hat": Statement(
        "H g w", f"{_size('K')} <= {_size('H')}", (*SYMMETRIC, *VARIES), THROUGH
    ),
    "ws-eq19-hat-sigma-cancelled": Statement(
        "H g w",
        f"sigma * sigma * {_size('K')} <= {_size('H')}",
        (*SYMMETRIC, *VARIES),
        THROUGH,
    ),
}

FORMULAS = {
    "paper": "dot / (sigma + eps)",
    "code": "dot / (sqrt(sum(dot * dot) / (I - 1)) + eps)",
    "page": "dot / sqrt(sum(shifted * shifted) / I)",
    "root": "dot / sqrt(sigma * sigma + eps)",
}
EPS = ("positive(eps)", *VARIES)
SHIFTED = ("shifted", "w + eps - sum(w + eps) / I")
PAPER = ("ours", FORMULAS["paper"])


def _agree(first: str, second: str) -> Statement:
    let = (*CHANNEL[:3], SHIFTED)
    return Statement("w eps", equal(FORMULAS[first], FORMULAS[second]), EPS, let)


EPSILON = {
    "ws-eps-paper-code": _agree("paper", "code"),
    "ws-eps-paper-page": _agree("paper", "page"),
    "ws-eps-code-page": _agree("code", "page"),
    "ws-eps-paper-root": _agree("paper", "root"),
    "ws-eps-page-floor": Statement(
        "w eps",
        "eps <= sqrt(sum(shifted * shifted) / I)",
        EPS[:1],
        (("I", "rows(w)"), SHIFTED),
    ),
    "ws-eps-norm": Statement(
        "w eps", equal("sum(ours * ours)", "I"), EPS, (*CHANNEL[:3], PAPER)
    ),
    "ws-eps-scale": Statement(
        "w eps",
        equal("2 * dot / (2 * sigma + eps)", "ours"),
        EPS,
        (*CHANNEL[:3], PAPER),
    ),
    "ws-eps-eq8": Statement(
        "w eps g",
        equal("found", "(g - ours * sum(ours * g) / I) / (sigma + eps)"),
        EPS,
        (
            *CHANNEL[:3],
            PAPER,
            # The derivative of x / (sigma(x) + eps) at Wdot, transposed, times g.
            ("found", "(g - ours * sum(dot * g) / (I * sigma)) / (sigma + eps)"),
        ),
    ),
}

STATEMENTS = {**EQUATIONS, **HESSIANS, **EPSILON}
