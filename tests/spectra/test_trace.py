"""Random estimates are right on average, and say how far off they are."""

import math

import pytest
import torch

from condlab.spectra.trace import diagonal, frobenius_norm, trace
from tests.spectra.matrices import SPECTRA, Diagonal, rotated

EPS = torch.finfo(torch.float64).eps
LONG = torch.logspace(-4, 0, 80, dtype=torch.float64) * torch.tensor([1, -1, 1, 1] * 20)
METHODS = ["xtrace", "hutch++"]


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("method", METHODS)
def test_traces_are_right_on_average_and_spread_as_they_say(method):
    A, truth = rotated(LONG), LONG.sum().item()
    found = [
        trace(A, num_matvecs=25, method=method, generator=seeded(s)) for s in range(60)
    ]
    errors = torch.tensor([f.value - truth for f in found], dtype=torch.float64)
    said = torch.tensor([f.standard_error for f in found], dtype=torch.float64)
    spread = errors.std().item()
    assert abs(errors.mean()) <= 4 * spread / math.sqrt(len(found))
    assert spread / 2 <= said.square().mean().sqrt() <= 2 * spread
    assert max(f.products for f in found) <= 25


def test_xtrace_spreads_less_than_hutchpp():
    A, truth = rotated(LONG), LONG.sum().item()
    off = {
        method: sum(
            (trace(A, num_matvecs=31, method=method, generator=seeded(s)).value - truth)
            ** 2
            for s in range(30)
        )
        for method in METHODS
    }
    assert off["xtrace"] < off["hutch++"]


def test_frobenius_norm_is_right_within_its_error():
    A, truth = rotated(LONG), LONG.norm().item()
    missed = 0
    for seed in range(20):
        found = frobenius_norm(A, num_matvecs=31, generator=seeded(seed))
        missed += abs(found.value - truth) > 4 * found.standard_error
    assert missed <= 2  # of ten vectors the error itself is known to a quarter


def test_diagonals_are_right_on_average():
    A = rotated(LONG)
    found = [diagonal(A, num_matvecs=31, generator=seeded(s)) for s in range(30)]
    errors = torch.stack([f.values - A.diagonal() for f in found])
    mean, spread = errors.mean(dim=0), errors.std(dim=0)
    assert (mean.abs() <= 5 * spread / math.sqrt(len(found))).all()
    said = torch.stack([f.standard_errors for f in found]).square().mean().sqrt()
    assert spread.square().mean().sqrt() / 2 <= said
    assert said <= 2 * spread.square().mean().sqrt()


@pytest.mark.parametrize("name", SPECTRA)
def test_awkward_operators_are_exact_where_products_suffice(name):
    values = SPECTRA[name]
    n = len(values)
    near = {"rtol": 1e-12, "atol": (100 * n * EPS * values.abs().max()).item()}
    for A in (rotated(values), Diagonal(values)):
        found = trace(A, num_matvecs=max(7, n + 1))
        torch.testing.assert_close(found.value, values.sum().item(), **near)
        assert (found.standard_error, found.method) == (0.0, "dense")


@pytest.mark.parametrize("kind", [*METHODS, "frobenius"])
@pytest.mark.parametrize("values", [[0.0] * 40, [6.0] + [0.0] * 39, [1.0] * 40])
def test_low_rank_is_found_whole_and_multiples_of_the_identity_are_seen(values, kind):
    values = torch.tensor(values, dtype=torch.float64)
    A = rotated(values)
    if kind == "frobenius":
        found, truth = frobenius_norm(A, num_matvecs=16), values.norm().item()
    else:
        found, truth = trace(A, num_matvecs=16, method=kind), values.sum().item()
    assert abs(found.value - truth) <= 5 * found.standard_error + 1e-11
    if values[1] == 0 or kind == "xtrace":  # which knows the length of its vectors
        assert found.standard_error <= 1e-11


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: trace(torch.eye(3), num_matvecs=6), "num_matvecs must be at least 7"),
        (lambda: trace(torch.eye(3), method="exact"), "method must be"),
        (lambda: diagonal(torch.ones(2, 3)), "a square operator is needed"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
