"""Claims of "Weight conditioning ..." on Jacobi's preconditioner and on layers.

Each as worded, in every reading, beside the correct theorem.

Why the sizes: for 2 x 2 matrices kappa + 1/kappa = ||A||_F^2 / |det A|, from which
the notes read off what Jacobi does; and equilibration is optimal for two rows, so a
layer needs three outputs to be made worse.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from condlab.theory import balls, strategies
from condlab.theory.balls import Balls, Sides
from condlab.theory.formula import claim, theorem
from condlab.theory.model import Theorem
from condlab.theory.references.networks import WEIGHT_CONDITIONING as SOURCE
from condlab.theory.strategies import has_full_rank, is_spd, st
from condlab.theory.vocabulary.rivals import readable, well_scaled


def _left(A: Balls) -> Balls:
    return A / A.diagonal()[:, None]


def _symmetric(n: int) -> strategies.Matrices:
    """Draw symmetric matrices of short numbers with a positive diagonal."""
    return readable(n, n).map(
        lambda A: np.tril(A, -1) + np.tril(A, -1).T + np.diag(_positive(A))
    )


def _general(n: int) -> strategies.Matrices:
    """Draw matrices of short numbers with a positive diagonal."""
    return readable(n, n).map(lambda A: A - np.diag(A.diagonal() - _positive(A)))


def _positive(A: np.ndarray) -> np.ndarray:
    diagonal = np.abs(A.diagonal())
    return np.where(diagonal > 0, diagonal, 1.0)


def _with_positive_diagonal(A: np.ndarray) -> bool:
    return has_full_rank(A) and bool((A.diagonal() > 0).all())


def _jacobi(
    key: str,
    kind: str,
    precondition: Callable,
    matrices: Callable[[int], strategies.Matrices],
    *,
    note: str,
    false_from: int,
) -> Theorem:
    left = precondition is _left
    form = "D^-1 A" if left else "D^-1/2 A D^-1/2"
    latex = r"D^{-1}A" if left else r"D^{-1/2}AD^{-1/2}"
    return theorem(
        key,
        f"Jacobi's preconditioner, as {form}, does not raise the condition number of "
        f"a nonsingular {kind} matrix with positive diagonal D.",
        SOURCE.at("Section 4, Jacobi preconditioner"),
        lambda size: well_scaled(matrices(size), "symmetric").filter(has_full_rank),
        lambda A: (balls.kappa(precondition(A)), balls.kappa(A)),
        latex=rf"\kappa_2({latex}) \le \kappa_2(A)",
        admits=_with_positive_diagonal,
        note=note,
        false_from=false_from,
    )


JACOBI = (
    _jacobi(
        "wc-jacobi-left-spd",
        "symmetric positive definite",
        _left,
        strategies.spd,
        note="The source's form. For 2 x 2 SPD matrices with diagonal (a, c) the "
        "gain in kappa + 1/kappa is (a - c)^2 / (ac) >= 0.",
        false_from=3,
    ),
    _jacobi(
        "wc-jacobi-left-symmetric",
        "symmetric",
        _left,
        _symmetric,
        note="2 x 2 with diagonal (a, c) and off-diagonal b: worse when b^2 > ac and "
        "a differs from c. At size 1 every kappa is 1.",
        false_from=2,
    ),
    _jacobi(
        "wc-jacobi-left-general",
        "square",
        _left,
        _general,
        note="At size 1 every kappa is 1.",
        false_from=2,
    ),
    _jacobi(
        "wc-jacobi-both-spd",
        "symmetric positive definite",
        balls.unit_diagonal,
        strategies.spd,
        note="Optimal at size 2, where every SPD matrix has Property A (Forsythe and "
        "Straus 1955); in general within a factor of the size.",
        false_from=3,
    ),
    _jacobi(
        "wc-jacobi-both-symmetric",
        "symmetric",
        balls.unit_diagonal,
        _symmetric,
        note="At size 2 the gain in kappa + 1/kappa is (a - c)^2 / |det A| >= 0.",
        false_from=3,
    ),
    _jacobi(
        "wc-jacobi-both-general",
        "square",
        balls.unit_diagonal,
        _general,
        note="At size 2 the gain in kappa + 1/kappa is (a - c)^2 / |det A| >= 0.",
        false_from=3,
    ),
)


@claim(
    "wc-jacobi-both-corrected",
    SOURCE.at("Section 4, corrected after van der Sluis 1969"),
    strategies.spd,
    latex=r"\kappa_2(G) \le \|G\|_2\,\kappa_2(A),\quad G = D^{-1/2}AD^{-1/2}",
    admits=is_spd,
)
def jacobi_both_corrected(A: Balls) -> Sides:
    """Jacobi's preconditioner, as G = D^-1/2 A D^-1/2, raises the condition number of a
    symmetric positive definite matrix at most by the factor ||G||_2, which is at most
    the size."""
    return (
        balls.kappa(balls.unit_diagonal(A)),
        balls.norm(balls.unit_diagonal(A), 2) * balls.kappa(A),
    )


@claim(
    "wc-jacobi-left-corrected",
    SOURCE.at("Section 4, corrected"),
    lambda n: _general(n).filter(has_full_rank),
    latex=r"\kappa_2(D^{-1}A) \le \frac{\max_i a_{ii}}{\min_i a_{ii}}\,\kappa_2(A)",
    admits=_with_positive_diagonal,
)
def jacobi_left_corrected(A: Balls) -> Sides:
    """Jacobi's preconditioner, as D^-1 A, raises the condition number of a nonsingular
    matrix at most by the spread of its positive diagonal."""
    return (
        balls.kappa(_left(A)),
        balls.maximum(A.diagonal()) / balls.minimum(A.diagonal()) * balls.kappa(A),
    )


def _initialised(draw: Callable[..., np.ndarray]) -> Callable:
    """Return layers of every shape of a size, drawn from a seed."""

    def instances(size: int) -> strategies.Matrices:
        shapes = [(m, size) for m in range(size, 0, -1)]
        shapes += [(size, n) for n in range(1, size)]
        return _from_seed(
            lambda rng, shape: draw(rng, *shape), st.sampled_from(shapes)
        ).filter(has_full_rank)

    return instances


def _from_seed(
    build: Callable[..., np.ndarray], *others: st.SearchStrategy
) -> strategies.Matrices:
    seeds = st.integers(0, 2**32 - 1)
    return st.builds(
        lambda seed, *rest: build(np.random.default_rng(seed), *rest), seeds, *others
    )


def _gaussian(rng: np.random.Generator, m: int, n: int) -> np.ndarray:
    return rng.standard_normal((m, n))


def _uniform(rng: np.random.Generator, m: int, n: int) -> np.ndarray:
    """Draw the default of torch.nn.Linear."""
    return rng.uniform(-1, 1, (m, n)) / np.sqrt(n)


def _kaiming_normal(rng: np.random.Generator, m: int, n: int) -> np.ndarray:
    return rng.standard_normal((m, n)) * np.sqrt(2 / n)


def _kaiming_uniform(rng: np.random.Generator, m: int, n: int) -> np.ndarray:
    return rng.uniform(-1, 1, (m, n)) * np.sqrt(6 / n)


def train(rng: np.random.Generator, width: int, layer: int) -> np.ndarray:
    """Return a layer of a tanh network of one hidden layer after 20 gradient steps.

    Inputs, hidden layer and outputs all have `width` units; the targets are those of
    another such network, with noise.
    """
    X = rng.standard_normal((16, width))
    weights = [_kaiming_normal(rng, width, width) for _ in range(2)]
    teacher = [_kaiming_normal(rng, width, width) for _ in range(2)]
    Y = np.tanh(X @ teacher[0].T) @ teacher[1].T + 0.1 * rng.standard_normal(X.shape)
    for _ in range(20):
        hidden = np.tanh(X @ weights[0].T)
        residual = (hidden @ weights[1].T - Y) / len(X)
        back = residual @ weights[1] * (1 - hidden * hidden)
        weights = [
            weights[0] - 0.2 * back.T @ X,
            weights[1] - 0.2 * residual.T @ hidden,
        ]
    return weights[layer]


def _trained(size: int) -> strategies.Matrices:
    layers = st.integers(0, 1)
    drawn = _from_seed(lambda rng, layer: train(rng, size, layer), layers)
    return drawn.filter(has_full_rank)


def _integers(size: int) -> strategies.Matrices:
    shapes = [(m, size) for m in range(size, 0, -1)]
    shapes += [(size, n) for n in range(1, size)]
    return st.one_of([readable(m, n) for m, n in shapes])


LAYERS = {
    "gaussian": ("with standard normal weights", _initialised(_gaussian)),
    "uniform": ("with weights uniform in +-1/sqrt(fan-in)", _initialised(_uniform)),
    "kaiming-normal": (
        "with normal weights of variance 2/fan-in",
        _initialised(_kaiming_normal),
    ),
    "kaiming-uniform": (
        "with weights uniform in +-sqrt(6/fan-in)",
        _initialised(_kaiming_uniform),
    ),
    "integers": ("with small integer weights", _integers),
    "trained": ("of a network after 20 steps of training", _trained),
}


def _no_worse(key: str, which: str, instances: Callable) -> Theorem:
    return theorem(
        f"wc-prop1-{key}",
        f"No full-rank layer {which} is worse conditioned after row equilibration.",
        SOURCE.at("Proposition 1"),
        instances,
        lambda W: (balls.kappa(balls.unit_rows(W)), balls.kappa(W)),
        latex=r"\kappa_2(EW) \le \kappa_2(W)",
        admits=has_full_rank,
        note="With at most two rows equilibration is optimal; so a layer that gets "
        "worse has at least three outputs.",
        false_from=3,
    )


PROPOSITION_1 = (*(_no_worse(key, *layers) for key, layers in LAYERS.items()),)


@claim(
    "wc-prop1-corrected",
    SOURCE.at("Proposition 1, corrected after van der Sluis 1969"),
    lambda size: st.one_of([instances(size) for _, instances in LAYERS.values()]),
    latex=r"\kappa_2(EW) \le \|EW\|_2\,\kappa_2(W)",
    admits=has_full_rank,
)
def prop1_corrected(W: Balls) -> Sides:
    """Row equilibration raises the condition number of a full-rank layer at most by the
    factor ||EW||_2, which is at most the root of the number of outputs."""
    return (
        balls.kappa(balls.unit_rows(W)),
        balls.norm(balls.unit_rows(W), 2) * balls.kappa(W),
    )
