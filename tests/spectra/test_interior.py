"""What bounds the smallest |eigenvalue| from above, and what more products add."""

import math

import numpy as np
import pytest
import torch

from condlab.curvature import condition_number
from condlab.spectra._products import Products
from condlab.spectra.inverse.interior import inverse_iteration, singular
from condlab.spectra.lanczos.block_lanczos import block_lanczos
from condlab.spectra.lanczos.krylov import Basis
from tests.curvature.test_hessian_condition import check
from tests.spectra.matrices import SPECTRA, Diagonal, rotated

EPS = torch.finfo(torch.float64).eps
SPREAD = torch.cat([torch.linspace(-3, -0.5, 20), torch.logspace(-3, 1, 40)]).double()


def start(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


@pytest.mark.parametrize("shape", [(1, 9), (5, 5), (7, 3), (6, 200_000)])
def test_singular_values_of_images_are_those_of_lapack(shape):
    images = start(*shape)
    values, shortest = singular(images.split(7, dim=1), len(images))
    expected = np.linalg.svd(images.numpy(), compute_uv=False)[::-1]
    room = 10 * max(shape) * EPS * expected[-1]
    assert values[-len(expected) :].numpy() == pytest.approx(expected, abs=room)
    assert bool((values[: -len(expected)] == 0).all())
    assert float(shortest.norm()) == pytest.approx(1)
    length = float((shortest @ images).norm())
    assert values[0] - room <= length <= 1.01 * values[0] + room


def test_harmonic_combinations_beat_every_ritz_vector():
    basis = Basis(Products(rotated(SPREAD)), 30, 1, torch.Generator().manual_seed(0))
    block_lanczos(basis, num_matvecs=30)
    pairs, bounds = basis.ritz(), basis.smallest(0)
    own = torch.hypot(pairs.values, pairs.residuals).sort().values
    truth = SPREAD.abs().sort().values[: len(bounds)]
    room = 100 * EPS * 10
    assert bounds[0] <= own[0] + room
    assert bool((truth <= bounds + room).all())


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("interior", [1, 2, 50])
def test_the_bracket_with_interior_products_contains_the_truth(name, interior):
    truth = SPECTRA[name]
    for A in (rotated(truth), Diagonal(truth)):
        check(
            condition_number(A, method="lanczos", num_matvecs=7, interior=interior),
            truth,
        )


def test_interior_products_reach_the_condition_number():
    kappa = float(SPREAD.abs().max() / SPREAD.abs().min())
    before, after = (
        condition_number(rotated(SPREAD), method="lanczos", num_matvecs=40, interior=k)
        for k in (0, 2000)
    )
    assert before.kappa.lower < 0.9 * kappa
    assert after.kappa.lower == pytest.approx(kappa, rel=1e-4)
    assert after.products <= 2040
    assert after.kappa.upper == math.inf  # of a value from above, nothing is known


@pytest.mark.parametrize("budget", [10, 24, 40, 56])
def test_lanczos_alone_is_never_worse_for_as_many_products(budget):
    # MINRES stays in the space that Lanczos would have, where harmonic is best
    H = rotated(SPREAD)
    alone = condition_number(H, method="lanczos", num_matvecs=budget).kappa.lower
    for more in (2, budget // 2, budget - 4):
        found = condition_number(
            H, method="lanczos", num_matvecs=budget - more, interior=more
        )
        assert found.products <= budget
        assert found.kappa.lower <= alone * (1 + 1e-9)


def test_inverse_iteration_keeps_off_what_is_locked():
    values = torch.tensor([0.0, 0.5, 2.0, -3.0], dtype=torch.float64)
    H, locked = Products(torch.diag(values)), torch.eye(4, dtype=torch.float64)[:1]
    bound = inverse_iteration(H, start(4), locked, 40) * H.scale
    assert bound == pytest.approx(0.5, rel=1e-9)


def test_one_product_is_too_few_for_a_bound():
    H = Products(torch.eye(3, dtype=torch.float64))
    none = torch.zeros((0, 3), dtype=torch.float64)
    assert inverse_iteration(H, start(3), none, 1) == math.inf
    assert H.count == 1  # by `Products` itself


def test_less_than_no_products_are_refused():
    with pytest.raises(ValueError, match="interior must be at least 0, got -1"):
        condition_number(torch.eye(3), interior=-1)


def test_single_precision_bounds_hold():
    truth = SPREAD.float()
    H = rotated(SPREAD).float()
    found = condition_number(
        (H + H.T) / 2, method="lanczos", num_matvecs=40, interior=300
    )
    assert found.abs_min.upper >= float(truth.abs().min()) - found.noise
