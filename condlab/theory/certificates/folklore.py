"""Statements of false claims of folklore, and of those on normalisations and layers."""

from __future__ import annotations

from condlab.theory.certificates.statement import Statement, equal
from condlab.theory.certificates.weight_conditioning import (
    RANK,
    SPD,
    SQUARE,
    SYMMETRIC,
    TALL,
    E,
)

NORMS = ("norms", "sqrt(diagonal(A @ A.T))")
MATRICES = {
    "jambulapati2023-rows-square-tall": Statement(
        "A", "kappa(E @ A) <= kappa(A) * kappa(A)", TALL, (E,)
    ),
    "folklore-row-norm-ratio-tall": Statement(
        "A",
        # The least norm is the reciprocal of the largest reciprocal.
        "max(norms) * max(one / norms) <= kappa(A)",
        TALL,
        (NORMS,),
    ),
    "folklore-log-convex-tall": Statement(
        "A d e",
        "kappa(M @ A) * kappa(M @ A) <= kappa(diag(d) @ A) * kappa(diag(e) @ A)",
        (*TALL, "positive(d)", "positive(e)"),
        (("M", "diag(sqrt(d * e))"),),
    ),
    "folklore-balancing-kappa": Statement(
        "A d",
        "kappa(A) <= kappa(diag(one / d) @ A @ diag(d))",
        (*SQUARE, "positive(d)", "abs(diagonal(A @ A.T) - diagonal(A.T @ A)) <= 0"),
    ),
    "folklore-product-any-shape": Statement(
        "A B",
        "kappa(A @ B) <= kappa(A) * kappa(B)",
        (RANK, "positive(smin(B))", "positive(smin(A @ B))"),
    ),
    "folklore-eigenvalue-ratio": Statement(
        "A",
        # With eigenvalues of one modulus, as where A A is a multiple of the identity.
        "kappa(A) <= one",
        (*SQUARE, "abs(A @ A - eye(A) * max(diagonal(A @ A))) <= 0"),
    ),
    "folklore-determinant": Statement(
        "A", "one / abs(A) <= kappa(A)", ("abs(rows(A) - 1) <= 0", RANK)
    ),
    "folklore-ridge-symmetric": Statement(
        "A ridge",
        "kappa(A + ridge * eye(A)) <= kappa(A)",
        (SYMMETRIC, RANK, "positive(ridge)", "positive(smin(A + ridge * eye(A)))"),
    ),
    "folklore-append-row-tall": Statement(
        "A b",
        # The Gram matrix of A with the row b' below.
        "lmax(S) / lmin(S) <= kappa(A) * kappa(A)",
        ("positive(rows(A) - rows(A.T) + 1)", RANK),
        (("S", "A.T @ A + b @ b.T"),),
    ),
    "folklore-small-residual": Statement(
        "A x y",
        "max(abs(x - y)) / max(abs(x)) <= max(abs(A @ (x - y))) / max(abs(A @ x))",
        SQUARE,
    ),
    "folklore-cg-residual": Statement(
        "A b k",
        "sqrt(sum(r * r)) <= sqrt(sum(b * b))",
        (*SPD, "abs(k - 1) <= 0"),
        (("r", "b - A @ b * (b.T @ b / (b.T @ A @ b))"),),
    ),
}

EPS = "one / 100000"


def _normalised(x: str, eps: str = EPS) -> str:
    """Return all entries standardised together."""
    count = f"sum({x} * 0 + 1)"
    dot = f"({x} - sum({x}) / {count})"
    return f"{dot} / sqrt(sum({dot} * {dot}) / {count} + {eps})"


def _rms(x: str) -> str:
    return f"{x} / sqrt(sum({x} * {x}) / sum({x} * 0 + 1) + {EPS})"


BIASED = ("biased", "x + b @ diagonal(eye(x.T)).T")
PAIR = ("abs(rows(x) - 2) <= 0",)


def _loss(y: str) -> str:
    """Return the loss sum of p (y + y^2)."""
    return f"sum(p * ({y} + {y} * {y}))"


NORMALISATIONS = {
    "norm-bias-free-layer": Statement(
        "x b", equal(_normalised("biased"), _normalised("x")), (), (BIASED,)
    ),
    "norm-bias-free-group": Statement(
        "x b", equal(_normalised("biased"), _normalised("x")), PAIR, (BIASED,)
    ),
    "norm-bias-free-rms": Statement(
        "x b", equal(_rms("biased"), _rms("x")), (), (BIASED,)
    ),
    "norm-bn-identity-every-batch": Statement(
        "x other",
        equal(f"{_normalised('x')} * sqrt(var + {EPS}) + mean", "x"),
        ("abs(rows(x) - 1) <= 0",),
        (
            ("mean", "sum(other) / rows(other.T)"),
            ("var", "sum((other - mean) * (other - mean)) / rows(other.T)"),
        ),
    ),
    "norm-adain-eps": Statement(
        "content style",
        equal("sum(y * y) / rows(y.T)", "var"),  # y less its mean
        ("positive(abs(max(content) + max(content * -1)))",),
        (
            ("mean", "sum(style) / rows(style.T)"),
            ("var", "sum((style - mean) * (style - mean)) / rows(style.T)"),
            ("y", f"{_normalised('content')} * sqrt(var + {EPS})"),
        ),
    ),
    "norm-adaln-layer": Statement("x C F", equal(_normalised("x"), "x")),
    "norm-ngpt-hidden-every-step": Statement(
        "h f alpha",
        # Half way between opposite unit vectors the sum is zero, and stays zero when
        # it is normalised; any other sum would have norm 1 afterwards.
        "one <= sqrt(sum(moved * moved))",
        (
            "abs(rows(h) - 1) <= 0",
            "positive(abs(h))",
            "positive(abs(f))",
            "abs(moved) <= 0",
        ),
        (
            ("a", "h / abs(h)"),
            ("moved", "a + abs(alpha) * (f / abs(f) - a)"),
        ),
    ),
    "norm-scale-invariance-batch-eps": Statement(
        "w X p c",
        equal(
            _loss("(" + _normalised("(c * z)") + ")"),
            _loss("(" + _normalised("z") + ")"),
        ),
        (
            "positive(c)",
            "positive(sum((z - sum(z) / rows(z)) * (z - sum(z) / rows(z))))",
        ),
        (("z", "X.T @ w"),),
    ),
    "norm-scale-invariance-batch-sign": Statement(
        "w X p c",
        equal(_loss("(0 * y - y)"), _loss("y")),
        ("positive(c)", "positive(sum(d * d))"),
        (
            ("z", "X.T @ w"),
            ("d", "z - sum(z) / rows(z)"),
            ("y", "d / sqrt(sum(d * d) / rows(d))"),  # of -c w it is -y
        ),
    ),
    "norm-spectral-power-while-training": Statement(
        "W step u",
        "sqrt(sum(Wv * Wv)) <= sqrt(sum(after * after))",
        ("positive(sum(v * v))", "positive(sum(next * next))"),
        (
            ("v", "W.T @ u"),
            ("Wv", "W @ v / sqrt(sum(v * v))"),
            ("next", "(W + step).T @ Wv"),
            ("after", "(W + step) @ next / sqrt(sum(next * next))"),
        ),
    ),
}

STATEMENTS = {**MATRICES, **NORMALISATIONS}
