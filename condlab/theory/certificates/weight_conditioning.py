"""Statements of the false claims of "Weight conditioning ..."."""

from __future__ import annotations

from condlab.theory.certificates.statement import Statement, equal

E = ("E", "diag(one / sqrt(diagonal(A @ A.T)))")  # unit rows: E A
C = ("C", "diag(one / sqrt(diagonal(A.T @ A)))")  # unit columns: A C
B = ("B", "E @ A")
PASSES = (E, B, ("C", "diag(one / sqrt(diagonal(B.T @ B)))"))
RANK = "positive(smin(A))"
SYMMETRIC = "abs(A - A.T) <= 0"
SPD = (SYMMETRIC, "positive(lmin(A))")
SQUARE = ("abs(rows(A) - rows(A.T)) <= 0", RANK)
WIDE = ("positive(rows(A.T) - rows(A))", RANK)
TALL = ("positive(rows(A) - rows(A.T))", RANK)


def _best(ours: str, sides: str, let: tuple, shape: tuple[str, ...]) -> Statement:
    """State that no scaling of those sides has a smaller condition number."""
    theirs = {"d": "diag(d) @ A", "e": "A @ diag(e)", "d e": "diag(d) @ A @ diag(e)"}
    positive = tuple(f"positive({name})" for name in sides.split())
    then = f"kappa({ours}) <= kappa({theirs[sides]})"
    return Statement(f"A {sides}", then, (*shape, *positive), let)


OPTIMALITY = {
    "wc-thm5.1-rows": _best("E @ A", "d", (E,), SQUARE),
    "wc-thm5.1-rows-wide": _best("E @ A", "d", (E,), WIDE),
    "wc-thm5.1-rows-tall": _best("E @ A", "d", (E,), TALL),
    "wc-thm5.1-columns": _best("A @ C", "e", (C,), SQUARE),
    "wc-thm5.1-columns-wide": _best("A @ C", "e", (C,), WIDE),
    "wc-thm5.1-columns-tall": _best("A @ C", "e", (C,), TALL),
    "wc-thm5.1-rowcolumn": _best("B @ C", "d e", PASSES, (RANK,)),
    "wc-thm5.1-rowcolumn-over-rows": _best("B @ C", "d", PASSES, (RANK,)),
    "wc-thm5.1-rowcolumn-at-once": _best("E @ A @ C", "d e", (E, C), (RANK,)),
    "wc-thm5.1-rowcolumn-at-once-over-rows": _best("E @ A @ C", "d", (E, C), (RANK,)),
}

STEP = ("eta", "2 * theta / smax(A)")  # a step below 2 / sigma_max
ALLOWED = ("positive(theta)", "positive(one - theta)")
STEPPED = ("stepped", "error - eta * A @ error")
ONCE = (
    "abs(steps - 1) <= 0"  # what a claim says of every number of steps it says of one
)
ENDS = (("low", "lmin(A)"), ("high", "lmax(A)"))
BOTH_SPD = (*SPD, "abs(B - B.T) <= 0", "positive(lmin(B))")
KAPPAS = "positive(lmax(B) / lmin(B) - lmax(A) / lmin(A))"


def _length(vector: str) -> str:
    return f"sqrt(sum({vector} * {vector}))"


DESCENT = {
    "wc-gd-symmetric": Statement(
        "A solution error theta steps",
        f"{_length('stepped')} <= max(abs(factors)) * {_length('error')}",
        (SYMMETRIC, RANK, *ALLOWED, ONCE, "abs(rows(A) - 1) <= 0"),
        (STEP, STEPPED, ("factors", "one - eta * smax(A)")),
    ),
    "wc-gd-symmetric-directions": Statement(
        "A theta",
        equal("abs(one - eta * lmax(A))", "abs(one - eta * smax(A))"),
        (SYMMETRIC, RANK, *ALLOWED, "abs(rows(A) - 1) <= 0"),
        (STEP,),
    ),
    "wc-gd-symmetric-minimum": Statement(
        "A solution x",
        "solution.T @ A @ solution / 2 - b.T @ solution <= x.T @ A @ x / 2 - b.T @ x",
        (SYMMETRIC, RANK),
        (("b", "A @ solution"),),
    ),
    "wc-gd-larger-faster": Statement(
        "A theta",
        "abs(one - eta * high) <= abs(one - eta * low)",
        (*SPD, *ALLOWED),
        (*ENDS, ("eta", "2 * theta / high")),
    ),
    "wc-gd-rate-every-step": Statement(
        "A error steps theta",
        f"{_length('stepped')} <= (one - low / high) * {_length('error')}",
        (*SPD, *ALLOWED, ONCE),
        (*ENDS, ("eta", "2 * theta / high"), STEPPED),
    ),
    "wc-gd-rate-no-faster": Statement(
        "A theta",
        "one - low / high <= smax(eye(A) - eta * A)",
        (*SPD, "positive(theta)"),
        (*ENDS, ("eta", "2 * theta / high")),
    ),
    "wc-gd-rate-best-step": Statement(
        "A",
        equal("smax(eye(A) - A * (2 * one / (low + high)))", "one - low / high"),
        SPD,
        ENDS,
    ),
    "wc-gd-rate-smaller-kappa-every-start": Statement(
        "A B error steps",
        f"{_length('a')} <= {_length('b')}",
        (*BOTH_SPD, KAPPAS, ONCE),
        (
            ("a", "error - A @ error / lmax(A)"),
            ("b", "error - B @ error / lmax(B)"),
        ),
    ),
    "wc-gd-rate-smaller-kappa-same-step": Statement(
        "A B theta",
        "smax(eye(A) - eta * A) <= smax(eye(B) - eta * B)",
        (*BOTH_SPD, KAPPAS, *ALLOWED),
        (
            ("a", "lmax(A)"),
            ("b", "lmax(B)"),
            ("eta", "4 * theta / (a + b + abs(a - b))"),  # 2 theta over the larger one
        ),
    ),
}

SYSTEMS = {
    "wc-left-precondition-solution-objective": Statement(
        "A solution",
        equal("(E @ A + A.T @ E) @ solution / 2", "E @ A @ solution"),
        SPD,
        (E,),
    ),
    "wc-left-precondition-solution-same-b": Statement(
        "A solution",
        equal("E @ A @ solution", "A @ solution"),
        SQUARE,
        (E,),
    ),
    "wc-left-precondition-solution-least-squares": Statement(
        "A b",
        equal("A.T @ E @ E @ (b - A @ x)", "0 * x"),
        (*TALL, "abs(rows(A.T) - 1) <= 0"),
        (E, ("x", "A.T @ b / (A.T @ A)")),
    ),
    "wc-left-precondition-minimum": Statement(
        "A",
        "0 * one <= lmin((E @ A + A.T @ E) / 2)",
        SPD,
        (E,),
    ),
    "wc-left-precondition-faster-spd": Statement(
        "A", "kappa(E @ A) <= kappa(A)", SPD, (E,)
    ),
    "wc-left-precondition-faster-general": Statement(
        "A", "kappa(E @ A) <= kappa(A)", SQUARE, (E,)
    ),
    "wc-left-precondition-faster-least-squares": Statement(
        "A", "kappa(E @ A) <= kappa(A)", TALL, (E,)
    ),
    "wc-left-precondition-rate-spd": Statement(
        "A",
        "kappa(R @ A @ R) <= kappa(A)",
        SPD,
        (("R", "diag(one / sqrt(sqrt(diagonal(A @ A.T))))"),),
    ),
}

D = ("D", "diag(one / diagonal(A))")
ROOT = ("R", "diag(one / sqrt(diagonal(A)))")
POSITIVE = "positive(diagonal(A))"


def _jacobi(let: tuple[str, str], scaled: str, given: tuple[str, ...]) -> Statement:
    return Statement("A", f"kappa({scaled}) <= kappa(A)", (*given, POSITIVE), (let,))


JACOBI = {
    "wc-jacobi-left-spd": _jacobi(D, "D @ A", SPD),
    "wc-jacobi-left-symmetric": _jacobi(D, "D @ A", (SYMMETRIC, RANK)),
    "wc-jacobi-left-general": _jacobi(D, "D @ A", SQUARE),
    "wc-jacobi-both-spd": _jacobi(ROOT, "R @ A @ R", SPD),
    "wc-jacobi-both-symmetric": _jacobi(ROOT, "R @ A @ R", (SYMMETRIC, RANK)),
    "wc-jacobi-both-general": _jacobi(ROOT, "R @ A @ R", SQUARE),
    "folklore-jacobi-one-sided": Statement(
        "A", "kappa(D @ A) <= kappa(R @ A @ R)", SPD, (D, ROOT)
    ),
    "folklore-jacobi-converges": Statement(
        "A", "lmax(R @ A @ R) - 1 <= one", SPD, (ROOT,)
    ),
}


def _layer(*given: str) -> Statement:
    return Statement("A", "kappa(E @ A) <= kappa(A)", (RANK, *given), (E,))


# That a layer was trained cannot be seen from its weights: that claim is not here.
LAYERS = {
    "wc-prop1-gaussian": _layer(),  # every neighbourhood of A has a probability
    "wc-prop1-kaiming-normal": _layer(),
    "wc-prop1-uniform": _layer("positive(one / rows(A.T) - max(A * A))"),
    "wc-prop1-kaiming-uniform": _layer("positive(one * 6 / rows(A.T) - max(A * A))"),
    "wc-prop1-integers": _layer(),
}

HESSIANS = {
    "wc-thm5.2-frozen": Statement(
        "W X",
        # The Hessians are E^2 and I, each in a Kronecker product with XX'.
        "kappa(E) * kappa(E) * kappa(X @ X.T) <= kappa(X @ X.T)",
        ("positive(smin(X))", "positive(diagonal(W @ W.T))"),
        (("E", "diag(one / sqrt(diagonal(W @ W.T)))"),),
    ),
    "wc-thm5.2-inside": Statement(
        "w X y",
        "kappa(H) <= kappa(G)",
        ("positive(smin(H))", "positive(smin(X))"),
        (
            ("G", "X @ X.T"),
            ("u", "w / sqrt(w.T @ w)"),
            ("g", "G @ u - X @ y"),
            ("P", "eye(G) - u @ u.T"),
            ("M", "P @ (G - u.T @ g * eye(G)) @ P - P @ g @ u.T - u @ g.T @ P"),
            ("H", "M / (w.T @ w)"),
        ),
    ),
    "wc-full-rank-stationary": Statement(
        "w X",
        "sqrt(sum(H * H) * sum(w * w)) <= 1000000 * sqrt(sum(H @ w * (H @ w)))",
        ("positive(smin(X))", "positive(w.T @ w)"),
        (
            ("P", "eye(X) - w @ w.T / (w.T @ w)"),
            ("H", "P @ X @ X.T @ P / (w.T @ w)"),
        ),
    ),
}

STATEMENTS = {
    **OPTIMALITY,
    **DESCENT,
    **SYSTEMS,
    **JACOBI,
    **LAYERS,
    **HESSIANS,
}
