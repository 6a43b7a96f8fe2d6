"""The basis stays orthonormal, its images are products, and a killed run resumes."""

import pytest
import torch

from condlab.spectra._products import Products
from condlab.spectra.lanczos.block_lanczos import block_lanczos
from condlab.spectra.lanczos.krylov import Basis
from condlab.spectra.spectrum import spectrum
from condlab.spectra.storage.shared_rows import room_for
from tests.spectra.matrices import SPECTRA, Diagonal, rotated

EPS = torch.finfo(torch.float64).eps


def grown(A, *, size=64, block=1, num_matvecs=40, **options):
    basis = Basis(Products(A), size, block, torch.Generator().manual_seed(2))
    return block_lanczos(basis, num_matvecs=num_matvecs, **options)


@pytest.mark.parametrize("block", [1, 3])
@pytest.mark.parametrize("size", [12, 64])
@pytest.mark.parametrize("name", SPECTRA)
def test_basis_is_orthonormal_to_rounding_with_images_that_are_products(
    name, size, block
):
    A = rotated(SPECTRA[name])
    basis = grown(A, size=size, block=block)
    V, W, n = basis.V[: basis.k], basis.W[: basis.k], len(A)
    gap = (V @ V.T - torch.eye(basis.k, dtype=A.dtype)).abs().max()
    assert gap <= 10 * n * EPS
    image = A / basis.H.scale @ V.T
    assert (image - W.T).abs().max() <= 10 * n * EPS * basis.peak


@pytest.mark.parametrize("name", SPECTRA)
def test_whole_space_gives_all_eigenvalues_with_multiplicities(name):
    values = SPECTRA[name]
    basis = grown(rotated(values), num_matvecs=len(values) + 1)
    assert basis.complete
    found = basis.ritz().values
    scale = values.abs().max()
    assert (found - values.sort().values).abs().max() <= 100 * len(values) * EPS * scale


def test_residuals_are_those_of_the_vectors_and_not_of_the_recurrence():
    A = rotated(SPECTRA["graded"])
    basis = grown(A, num_matvecs=20)
    pairs = basis.ritz()
    Y = basis.V[: basis.k].T @ pairs.coefficients
    true = (A @ Y - Y * pairs.values).norm(dim=0)
    assert (true - pairs.residuals).abs().max() <= 1000 * EPS * 1e3


def test_extremes_converge_through_restarts():
    inside = torch.linspace(-1, 1, 300, dtype=torch.float64)
    values = torch.cat([inside, torch.tensor([-1.3, 1.5], dtype=torch.float64)])
    basis = grown(Diagonal(values), size=16, num_matvecs=150, rtol=1e-9)
    assert basis.restarts > 1
    assert basis.H.count < 150
    found = basis.ritz().values
    assert abs(found[0] + 1.3) < 1e-9
    assert abs(found[-1] - 1.5) < 1e-9


def test_deflated_directions_never_come_back():
    values = SPECTRA["exact nulls"]
    Q = torch.linalg.eigh(rotated(values))[1]
    nulls = Q[:, 3:8]
    basis = Basis(
        Products(rotated(values)), 64, 1, torch.Generator().manual_seed(0), nulls
    )
    block_lanczos(basis, num_matvecs=100)
    assert basis.k == len(values) - 5
    assert basis.ritz().values.abs().min() > 0.09


class Killed(Exception):
    """Stands for a signal."""


class Mortal(Diagonal):
    """Diagonal operator that dies at a product."""

    def __init__(self, values, lives):
        super().__init__(values)
        self.lives = lives

    def __matmul__(self, X):
        self.lives -= X.shape[1]
        if self.lives < 0:
            raise Killed
        return super().__matmul__(X)


@pytest.mark.parametrize("lives", [1, 30, 57])
def test_a_killed_run_resumes_to_the_same_numbers(tmp_path, lives):
    values = torch.linspace(-1, 3, 200, dtype=torch.float64) ** 3
    options = {"size": 20, "num_matvecs": 80, "checkpoint": tmp_path / "run"}
    whole = grown(Diagonal(values), size=20, num_matvecs=80)
    with pytest.raises(Killed):
        grown(Mortal(values, lives), **options)
    resumed = grown(Diagonal(values), **options)
    assert torch.equal(resumed.ritz().values, whole.ritz().values)
    assert torch.equal(resumed.ritz().residuals, whole.ritz().residuals)
    assert (resumed.H.count, resumed.restarts) == (whole.H.count, whole.restarts)


def test_the_checkpoint_of_another_operator_is_refused(tmp_path):
    values = torch.linspace(-1, 3, 200, dtype=torch.float64)
    options = {"size": 20, "num_matvecs": 60, "checkpoint": tmp_path / "run"}
    grown(Diagonal(values), **options)
    with pytest.raises(ValueError, match="checkpoint of another operator"):
        grown(Diagonal(2 * values), **options)


def test_only_whole_blocks_before_the_first_restart_raise_the_degree():
    values = torch.linspace(-1, 3, 200, dtype=torch.float64)
    assert grown(Diagonal(values), size=64, block=4, num_matvecs=40).steps == 9
    assert grown(Diagonal(values), size=22, block=4, num_matvecs=80).steps == 5


def test_a_basis_on_disk_gives_the_same_numbers_and_leaves_nothing(tmp_path):
    A = rotated(SPECTRA["graded"])
    options = {"method": "lanczos", "num_matvecs": 40, "basis": 12, "rtol": 0}
    held, offloaded = spectrum(A, **options), spectrum(A, **options, folder=tmp_path)
    assert torch.equal(held.values, offloaded.values)
    assert torch.equal(held.radii, offloaded.radii)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("bad", [torch.inf, -torch.inf, torch.nan])
def test_only_products_that_are_not_finite_are_refused(bad):
    # float32 ends at 3.4e38, so the sum of the first image overflows and it does not
    image = torch.full((4, 4), 3e38)
    assert bool((Products(_Always(image)) @ torch.eye(4)).isfinite().all())
    image[1], image[2, 3] = -image[0], bad
    with pytest.raises(ValueError, match="must be finite"):
        Products(_Always(image)) @ torch.eye(4)


class _Always:
    shape, dtype = (4, 4), torch.float32

    def __init__(self, image):
        self.image = image

    def __matmul__(self, V):
        return self.image[:, : V.shape[1]]


def test_columns_on_disk_are_those_in_memory(tmp_path):
    values = torch.arange(35.0).view(5, 7)
    sort = (5, 7, values.dtype, values.device)
    held, filed = room_for(*sort, folder=None), room_for(*sort, folder=tmp_path)
    held[0:5] = filed[0:5] = values
    for first, last, k in ((0, 7, 2), (3, 5, 5), (6, 7, 1), (0, 7, 5)):
        part = values[:k, first:last]
        assert torch.equal(held.columns(first, last, k), part)
        assert torch.equal(filed.columns(first, last, k), part)
