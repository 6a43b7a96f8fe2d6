"""Bands of the spectral density contain the true one."""

import math

import numpy as np
import pytest
import torch

from condlab.curvature import HessianOperator
from condlab.spectra._products import Products
from condlab.spectra.brackets.chance import most
from condlab.spectra.density import density
from condlab.spectra.lanczos.block_lanczos import block_lanczos
from condlab.spectra.lanczos.krylov import Basis
from tests.curvature.networks import dense_hessian, problem
from tests.spectra.matrices import SPECTRA, Diagonal, rotated


def fractions(truth, x):
    return (truth.numpy()[None, :] <= x[:, None]).mean(axis=1)


def places(truth):
    """Return where bands are asked for: between and beyond eigenvalues."""
    values = truth.unique().numpy()
    peak = max(np.abs(values).max(), 1e-300)
    between = (values[1:] + values[:-1]) / 2
    return np.concatenate([[-2 * peak], between, [2 * peak]])


def rough(truth, x):
    """Return how far places are from eigenvalues, of the size of the spectrum."""
    gaps = np.abs(truth.numpy()[None, :] - x[:, None]).min(axis=1)
    return gaps / max(truth.abs().max().item(), 1e-300)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("num_matvecs", [1, 4, 12, 50])
@pytest.mark.parametrize("name", SPECTRA)
def test_bands_contain_the_truth(name, num_matvecs, seed):
    truth = SPECTRA[name]
    found = density(
        rotated(truth),
        num_matvecs=num_matvecs,
        num_probes=4,
        generator=torch.Generator().manual_seed(seed),
    )
    x = places(truth)
    x = x[rough(truth, x) > 1e-12]  # nearer ones are the same up to the noise
    band = found.cumulative(x, confidence=1 - 1e-6)
    exact = fractions(truth, x)
    assert (band.lower <= exact).all()
    assert (exact <= band.upper).all()
    assert (band.lower <= band.upper).all()


@pytest.mark.parametrize("steps", [1, 3, 6, 11])
def test_quadrature_brackets_each_probe_for_certain(steps):
    truth = SPECTRA["indefinite"]
    for seed in range(10):
        generator = torch.Generator().manual_seed(seed)
        H = Products(Diagonal(truth))
        basis = Basis(H, steps, 1, generator)
        start = basis.ahead[0].square().numpy()
        block_lanczos(basis, num_matvecs=100 if steps == 11 else steps + 1)
        generator.manual_seed(seed)
        found = density(
            Diagonal(truth), num_matvecs=steps, num_probes=1, generator=generator
        )
        x = places(truth)
        mass = (truth.numpy()[None, :] <= x[:, None]) @ start
        sums = np.concatenate([[0.0], found.weights[0].cumsum()])
        before = np.searchsorted(found.nodes[0], x)
        lower = sums[np.maximum(before - 1, 0)]
        upper = sums[np.minimum(before + 1, steps)]
        upper[before == steps] = 1.0
        assert (lower <= mass + 1e-12).all()
        assert (mass <= upper + 1e-12).all()


def test_bands_miss_as_rarely_as_they_say():
    truth, runs, confidence = SPECTRA["exact nulls"][:10] - 1, 60, 0.8
    missed = 0
    for seed in range(runs):
        found = density(
            Diagonal(truth),
            num_matvecs=len(truth),  # nothing but chance is left
            num_probes=2,
            generator=torch.Generator().manual_seed(seed),
        )
        band = found.cumulative(-0.95, confidence=confidence)
        missed += not band.lower[0] <= 8 / 10 <= band.upper[0]
    allowed = (1 - confidence) * runs
    assert missed <= allowed + 4 * math.sqrt(allowed)


def test_counts_that_are_allowed_are_those_of_normal_vectors():
    rng = np.random.default_rng(0)
    n, probes, k, alpha = 20, 3, 7, 0.05
    x = rng.standard_normal((4000, probes, n)) ** 2
    part = x[:, :, :k].sum(axis=(1, 2)) / x.sum(axis=(1, 2))
    below = (most(part, n, probes, alpha) < k).mean()
    assert below <= alpha + 4 * math.sqrt(alpha / 4000)
    assert below >= alpha / 4  # and no more careful than it says


def test_more_products_and_more_probes_narrow_the_bands():
    truth = torch.linspace(-1, 1, 100, dtype=torch.float64)
    widths = []
    for num_matvecs, num_probes in ((5, 2), (30, 2), (30, 12)):
        found = density(Diagonal(truth), num_matvecs=num_matvecs, num_probes=num_probes)
        band = found.cumulative([-0.5, 0.0, 0.5])
        widths.append((band.upper - band.lower).max())
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize("name", ["indefinite", "graded", "exact nulls", "repeated"])
@pytest.mark.parametrize("q", [0.05, 0.1, 0.25])
def test_quantile_condition_numbers_contain_the_truth(name, q):
    truth = SPECTRA[name]
    sizes = truth.abs().sort().values
    rank = math.ceil(q * len(truth))
    small, large = sizes[rank - 1].item(), sizes[len(truth) - rank].item()
    kappa = density(rotated(truth), num_matvecs=20, num_probes=6).kappa(q)
    assert kappa.lower <= kappa.value <= kappa.upper
    assert kappa.lower <= (large / small if small else math.inf) <= kappa.upper


def test_sixteen_of_sixteen_bands_of_a_network_contain_the_truth():
    loss, params, batches = problem("lstm")
    truth = torch.linalg.eigvalsh(dense_hessian(loss, params, batches))
    H = HessianOperator(loss, params, batches, backend="retained")
    found = density(H, num_matvecs=15, num_probes=4)
    peak = truth.abs().max().item()
    x = np.concatenate([s * peak * np.logspace(-7, 0, 8) for s in (-1, 1)])
    band = found.cumulative(x)
    exact = fractions(truth, x)
    assert ((band.lower <= exact) & (exact <= band.upper)).sum() == 16
    band = found.within(-np.abs(x), np.abs(x))
    inside = (truth.abs().numpy()[None, :] <= np.abs(x)[:, None]).mean(axis=1)
    assert ((band.lower <= inside) & (inside <= band.upper)).all()


def test_smoothed_density_has_area_one_and_an_error():
    truth = SPECTRA["indefinite"]
    found = density(Diagonal(truth), num_matvecs=10, num_probes=3)
    x = np.linspace(-10, 20, 3001)
    curve, error = found.smoothed(x, 0.5)
    assert abs(np.trapezoid(curve, x) - 1) < 1e-6  # the tails are 18 widths off
    assert (error > 0).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"num_matvecs": 0}, "at least 1 product"), ({"num_probes": 0}, "1 probe")],
)
def test_bad_counts_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        density(torch.eye(3), **options)


def test_bad_places_are_refused():
    found = density(torch.eye(3), num_matvecs=2, num_probes=1)
    assert np.isnan(found.cumulative(0.0).standard_error).all()
    for call, message in (
        (lambda: found.kappa(0.5), "q must be"),
        (lambda: found.cumulative(0.0, confidence=1.0), "confidence must be"),
        (lambda: found.smoothed(0.0, 0.0), "width must be"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_an_operator_that_is_not_symmetric_is_refused():
    A = torch.triu(torch.ones((9, 9), dtype=torch.float64))
    with pytest.raises(ValueError, match="must be symmetric"):
        density(A)


def test_tolerance_saves_products_and_keeps_the_truth_within_the_bands():
    truth = torch.linspace(-1, 3, 2000, dtype=torch.float64)
    places = np.linspace(-0.9, 2.9, 30)
    shares = (truth.numpy()[None] <= places[:, None]).mean(axis=1)
    spent = {}
    for atol in (0.3, 0.1, 0.0):
        seen = density(Diagonal(truth), num_matvecs=60, num_probes=12, atol=atol)
        band = seen.cumulative(places)
        assert ((band.lower <= shares) & (shares <= band.upper)).all()
        assert (band.upper - band.lower).max() < 4 * max(atol, 0.05)
        spent[atol] = seen.products
    assert spent[0.3] < spent[0.1] < spent[0.0] / 2


def test_tolerance_that_an_eigenvalue_outweighs_spends_what_there_is():
    truth = torch.cat([torch.zeros(60), torch.linspace(1, 2, 40)]).double()
    seen = density(Diagonal(truth), num_matvecs=12, num_probes=2, atol=0.2)
    full = density(Diagonal(truth), num_matvecs=12, num_probes=2)
    assert seen.products == full.products
