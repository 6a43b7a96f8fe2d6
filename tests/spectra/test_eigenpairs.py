"""Eigenvectors are orthonormal, and as near to the true ones as they say."""

import numpy as np
import pytest
import scipy.sparse.linalg as spla
import torch

from condlab.curvature import HessianOperator
from condlab.spectra import spectrum
from condlab.spectra.eigenpairs import WHICH
from tests.curvature.evaluation.second_differences import second_difference
from tests.curvature.networks import dense_hessian, problem
from tests.spectra.matrices import SPECTRA, Diagonal, rotated

EPS = torch.finfo(torch.float64).eps


def wanted(values, k, which):
    """Return what each choice means, said once more in other words."""
    ordered = sorted(values.tolist())
    if which == "magnitude":
        return sorted(ordered, key=lambda x: -abs(x))[:k]
    if which == "largest":
        return ordered[::-1][:k]
    if which == "smallest":
        return ordered[:k]
    return (ordered[: k // 2] + ordered[len(ordered) - (k - k // 2) :])[::-1]


def sine(X, Y):
    """Return the sine of the largest angle from the span of Y to that of X."""
    Q = torch.linalg.qr(Y)[0]
    return float(torch.linalg.matrix_norm(Q - X @ (X.T @ Q), 2))


@pytest.mark.parametrize("which", WHICH)
@pytest.mark.parametrize("method", ["exact", "lanczos"])
@pytest.mark.parametrize("name", SPECTRA)
def test_pairs_are_as_near_to_the_truth_as_they_say(name, method, which):
    A, n = rotated(SPECTRA[name]), len(SPECTRA[name])
    values, U = torch.linalg.eigh(A)
    k = min(3, n)
    pairs = spectrum(
        A, method=method, num_matvecs=n + 2 + k, rtol=0, vectors=k, which=which
    ).pairs
    V, size = pairs.vectors, float(values.abs().max())
    torch.testing.assert_close(V.T @ V, torch.eye(k).double(), atol=100 * EPS, rtol=0)
    expected = wanted(values, k, which)
    if which == "magnitude":  # the order of a tie of signs is rounding's
        assert pairs.values.abs().numpy() == pytest.approx(np.abs(expected), rel=1e-9)
    else:
        assert pairs.values.numpy() == pytest.approx(expected, abs=1e-9 * size)
    unit = size or 1.0
    fresh = (A / unit @ V - V * pairs.values / unit).norm(dim=0)
    room = 100 * n * EPS
    assert ((fresh - pairs.residuals / unit).abs() <= room).all()
    assert (pairs.residuals <= pairs.radii).all()
    for i in range(k):
        place = int((values - pairs.values[i]).abs().argmin())
        if pairs.sines[i] < 1:  # then its eigenvalue is apart from all others
            gaps = (values / unit - pairs.values[i] / unit).abs().sort().values[1:]
            slack = room / float(gaps.min()) if n > 1 else room
            assert sine(U[:, [place]], V[:, [i]]) <= float(pairs.sines[i]) + slack
    if pairs.span_sine < 1 and k < n:
        places = (values[:, None] - pairs.values).abs().argmin(dim=0).unique()
        if len(places) == k:
            assert sine(U[:, places], V) <= pairs.span_sine + 1e-6


def test_angles_of_separate_eigenvalues_are_rounding():
    pairs = spectrum(rotated(torch.arange(1.0, 30).double()), vectors=4).pairs
    assert float(pairs.sines.max()) < 1e-11
    assert pairs.span_sine < 1e-11


def test_vectors_of_a_close_pair_are_uncertain_but_their_span_is_not():
    values = torch.tensor([1.0, 2.0, 3.0, 9.0, 9.0 + 1e-14], dtype=torch.float64)
    pairs = spectrum(rotated(values), vectors=2).pairs
    assert pairs.sines.tolist() == [1.0, 1.0]
    assert pairs.span_sine < 1e-13
    alone = spectrum(rotated(values), vectors=1).pairs
    assert alone.span_sine == 1.0


def test_a_part_of_the_spectrum_says_nothing_of_angles():
    found = spectrum(
        Diagonal(SPECTRA["graded"]), method="lanczos", num_matvecs=20, vectors=2
    )
    assert not found.complete
    assert found.pairs.sines.tolist() == [1.0, 1.0]
    assert found.pairs.span_sine == 1.0


@pytest.mark.parametrize("which", WHICH)
def test_lanczos_stops_only_when_all_that_are_wanted_have_converged(which):
    values = torch.cat(
        [torch.linspace(-3, -1, 150), torch.linspace(0, 9, 350)]
    ).double()
    found = spectrum(
        Diagonal(values), method="lanczos", num_matvecs=2000, vectors=8, which=which
    )
    assert found.products < 2000
    assert float(found.pairs.residuals.max()) <= 2e-6 * 9
    assert found.pairs.values.numpy() == pytest.approx(
        wanted(values, 8, which), abs=2e-5
    )


@pytest.mark.parametrize(
    ("which", "theirs"),
    [("magnitude", "LM"), ("largest", "LA"), ("smallest", "SA"), ("both", "BE")],
)
def test_choices_are_those_of_arpack(which, theirs):
    A = rotated(torch.cat([SPECTRA["indefinite"], -SPECTRA["graded"] / 99]))
    pairs = spectrum(A, vectors=5, which=which).pairs
    values, vectors = spla.eigsh(A.numpy(), 5, which=theirs, tol=0)
    order = np.argsort(pairs.values.numpy())
    assert pairs.values.numpy()[order] == pytest.approx(values, abs=1e-9)
    overlap = np.abs(np.sum(pairs.vectors.numpy()[:, order] * vectors, axis=0))
    assert overlap == pytest.approx(np.ones(5), abs=1e-6)


@pytest.mark.parametrize("method", ["exact", "lanczos"])
def test_curvature_of_the_loss_along_a_vector_is_its_eigenvalue(method):
    loss, params, batches = problem("mlp with mse")
    H = HessianOperator(loss, params, batches)
    found = spectrum(H, method=method, vectors=3, which="both", num_matvecs=100)
    size = float(found.values.abs().max())
    for value, v in zip(found.pairs.values, found.pairs.vectors.T, strict=True):
        curvature = second_difference(loss, params, batches, v / 2, v / 2) * 4
        assert curvature == pytest.approx(float(value), abs=1e-7 * size)
    top = H.unflatten(found.pairs.vectors[:, 0])
    assert {name: part.shape for name, part in top.items()} == {
        name: p.shape for name, p in params.items()
    }
    truth = torch.linalg.eigvalsh(dense_hessian(loss, params, batches))
    assert float(found.pairs.values[0]) == pytest.approx(float(truth[-1]), rel=1e-9)


def test_single_precision_vectors_are_orthonormal_to_single_precision():
    A = rotated(torch.linspace(-2, 5, 40).double())
    A32 = ((A + A.T) / 2).float()
    for method in ("exact", "lanczos"):
        pairs = spectrum(A32, method=method, vectors=4, num_matvecs=60).pairs
        assert pairs.vectors.dtype == torch.float32
        gram = pairs.vectors.T @ pairs.vectors
        torch.testing.assert_close(gram, torch.eye(4), atol=1e-5, rtol=0)
        truth = torch.linalg.eigvalsh(A32.double())
        off = (pairs.values[:, None] - truth).abs().min(dim=1).values
        assert (off <= pairs.radii).all()


def test_the_sign_of_a_vector_makes_its_largest_entry_positive():
    vectors = spectrum(rotated(torch.arange(1.0, 9).double()), vectors=8).pairs.vectors
    peaks = vectors.gather(0, vectors.abs().argmax(dim=0, keepdim=True))
    assert bool((peaks > 0).all())


def test_products_are_counted_and_never_more_than_allowed():
    found = spectrum(
        Diagonal(SPECTRA["graded"]), method="lanczos", num_matvecs=12, vectors=4, rtol=0
    )
    assert found.products == 12
    assert found.pairs.vectors.shape == (25, 4)
    assert spectrum(Diagonal(SPECTRA["graded"])).pairs is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vectors": -1}, "vectors must be from 0 to n = 25, got -1"),
        ({"vectors": 26}, "vectors must be from 0 to n = 25, got 26"),
        ({"which": "LM"}, "which must be one of magnitude, largest, smallest, both"),
        ({"vectors": 9, "basis": 8}, "raise basis"),
        (
            {"vectors": 9, "num_matvecs": 19, "method": "lanczos"},
            "num_matvecs must be at least 20 for 9 vectors, got 19",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        spectrum(Diagonal(SPECTRA["graded"]), **options)
