"""Every interval holds an eigenvalue, for awkward spectra and few products."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from condlab.curvature import HessianOperator
from condlab.spectra.brackets.extremes import gap_fraction
from condlab.spectra.spectrum import spectrum
from tests.curvature.networks import dense_hessian, problem
from tests.spectra.matrices import SPECTRA, Diagonal, rotated

EPS = torch.finfo(torch.float64).eps


def distances(found, truth):
    """Return how far each value is from the nearest eigenvalue."""
    return (found.values[:, None] - truth[None, :]).abs().min(dim=1).values


@pytest.mark.parametrize("num_matvecs", [3, 8, 20, 100])
@pytest.mark.parametrize("block", [1, 4])
@pytest.mark.parametrize("name", SPECTRA)
def test_every_interval_holds_an_eigenvalue(name, block, num_matvecs):
    truth = SPECTRA[name]
    for A in (rotated(truth), Diagonal(truth)):
        found = spectrum(
            A, method="lanczos", num_matvecs=num_matvecs, block=block, rtol=0
        )
        assert found.products <= max(num_matvecs, 3)
        assert (distances(found, truth) <= found.radii).all()
        assert found.complete == (len(found.values) == len(truth))


@pytest.mark.parametrize("method", ["exact", "lanczos"])
@pytest.mark.parametrize("name", SPECTRA)
def test_a_complete_spectrum_holds_each_eigenvalue_in_turn(name, method):
    truth = SPECTRA[name].sort().values
    found = spectrum(rotated(truth), method=method, num_matvecs=len(truth) + 2, rtol=0)
    assert found.complete
    assert found.probable is None
    assert ((found.values - truth).abs() <= found.radii).all()
    assert found.radii.max() <= 1000 * len(truth) * EPS * truth.abs().max()


@given(st.integers(0, 10_000))
def test_random_start_bound_holds_the_extremes(seed):
    truth = SPECTRA["graded"]
    generator = torch.Generator().manual_seed(seed)
    found = spectrum(
        Diagonal(truth), method="lanczos", num_matvecs=24, generator=generator, rtol=0
    )
    assert truth[-1].item() in found.probable.lambda_max
    assert truth[0].item() in found.probable.lambda_min


def test_random_start_bound_narrows_with_steps_and_with_starts():
    assert gap_fraction(1000, 60, 1, 1e-6) < gap_fraction(1000, 30, 1, 1e-6)
    assert gap_fraction(1000, 30, 4, 1e-6) < gap_fraction(1000, 30, 1, 1e-6)


def test_few_steps_of_random_start_say_nothing_above():
    found = spectrum(Diagonal(SPECTRA["graded"]), method="lanczos", num_matvecs=5)
    assert found.probable.lambda_max.upper == float("inf")
    assert found.probable.lambda_min.lower == float("-inf")


@pytest.mark.parametrize("name", ["mlp with cross-entropy", "grid_sample"])
def test_hessians_of_networks_agree_with_a_dense_reference(name):
    loss, params, batches = problem(name)
    truth = torch.linalg.eigvalsh(dense_hessian(loss, params, batches))
    H = HessianOperator(loss, params, batches, backend="retained")
    found = spectrum(H)
    assert found.method == "dense"
    assert ((found.values - truth).abs() <= found.radii).all()
    krylov = spectrum(H, method="lanczos", num_matvecs=12, rtol=0)
    assert (distances(krylov, truth) <= krylov.radii).all()


def test_float32_says_how_far_it_is_off():
    truth = SPECTRA["indefinite"]
    A = rotated(truth)
    for method in ("exact", "lanczos"):
        found = spectrum(A.float(), method=method, num_matvecs=15, rtol=0)
        assert (distances(found, truth) <= found.radii).all()
        assert found.noise > torch.finfo(torch.float32).eps


def test_the_same_seed_gives_the_same_numbers():
    runs = [
        spectrum(
            Diagonal(SPECTRA["graded"]),
            method="lanczos",
            num_matvecs=12,
            generator=torch.Generator().manual_seed(5),
        )
        for _ in range(2)
    ]
    assert torch.equal(runs[0].values, runs[1].values)


@pytest.mark.parametrize(
    ("A", "options", "message"),
    [
        (torch.ones(3, 2), {}, "a square operator is needed"),
        (torch.ones(2, 2, dtype=torch.int64), {}, "float32 or float64 is needed"),
        (torch.full((2, 2), torch.nan), {}, "must be finite"),
        (torch.eye(2), {"method": "arnoldi"}, "method must be one of"),
        (torch.eye(2), {"num_matvecs": 2}, "num_matvecs must be at least 3"),
        (torch.eye(2), {"block": 0}, "block <= basis is needed"),
        (torch.eye(2), {"rtol": 1.0}, "rtol must be"),
    ],
)
def test_bad_input_is_refused_by_name(A, options, message):
    with pytest.raises(ValueError, match=message):
        spectrum(A, **options)


@pytest.mark.parametrize("method", ["exact", "lanczos"])
def test_an_operator_that_is_not_symmetric_is_refused(method):
    A = torch.triu(torch.ones((9, 9), dtype=torch.float64))
    with pytest.raises(ValueError, match="must be symmetric"):
        spectrum(A, method=method)
