"""Assembly gives the matrix, whatever the chunk, and after being killed."""

import pytest
import torch

from condlab.curvature import HessianOperator
from condlab.spectra import assemble
from condlab.spectra.assembly import TILE
from tests.curvature.networks import dense_hessian, problem


def symmetric(n, dtype=torch.float64):
    torch.manual_seed(n)
    A = torch.randn(n, n, dtype=dtype)
    return A + A.T


class Killed(Exception):
    pass


class Counted:
    """A matrix that counts its products, and dies when it has given its last one."""

    def __init__(self, A, last=10**9):
        self.A, self.last, self.columns = A, last, 0
        self.shape, self.dtype, self.device = A.shape, A.dtype, A.device

    def __matmul__(self, V):
        self.columns += V.shape[1]
        if self.columns > self.last:
            raise Killed
        return self.A @ V


@pytest.mark.parametrize("n", [1, 2, 7, 40, TILE + 5])
@pytest.mark.parametrize("chunk", [None, 1, 300])
def test_assembly_is_the_matrix_and_exactly_symmetric(n, chunk):
    if n > 40 and chunk == 1:
        chunk = 500
    A = symmetric(n)
    B = assemble(Counted(A), chunk=chunk)
    assert torch.equal(B, B.T)
    torch.testing.assert_close(B, A, rtol=1e-14, atol=0)


@pytest.mark.parametrize("A", [torch.eye(5), torch.zeros(5, 5), torch.ones(5, 5)])
def test_identity_zero_and_rank_one_are_exact(A):
    assert torch.equal(assemble(Counted(A)), A)


def test_every_column_is_multiplied_once():
    H = Counted(symmetric(100))
    assemble(H)
    assert H.columns == 100


def test_progress_ends_at_all_columns():
    seen = []
    assemble(Counted(symmetric(50)), progress=seen.append)
    assert seen[-1].done == seen[-1].total == 50
    assert seen[-1].seconds_left == 0
    assert [p.done for p in seen] == sorted(p.done for p in seen)


def test_killed_run_takes_up_from_its_checkpoint(tmp_path):
    A, path = symmetric(60), tmp_path / "hessian"
    with pytest.raises(Killed):
        assemble(Counted(A, last=35), chunk=10, checkpoint=path)
    rest = Counted(A)
    B = assemble(rest, chunk=10, checkpoint=path)
    assert rest.columns == 2 + 30  # the probe and what was missing
    assert torch.equal(B, assemble(Counted(A), chunk=10))
    assert not list(tmp_path.iterdir())


def test_what_is_not_symmetric_or_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="must be symmetric"):
        assemble(Counted(torch.tensor([[1.0, 2.0], [0.0, 1.0]])))
    with pytest.raises(MemoryError, match="GiB"):
        assemble(Counted(symmetric(40)), memory=40 * 40 * 8 - 1)
    with pytest.raises(ValueError, match="at least 1"):
        assemble(Counted(symmetric(4)), chunk=0)


def test_hessian_assembles_to_its_dense_reference_with_few_at_a_time():
    loss, params, batches = problem("group norm cnn")
    H = HessianOperator(loss, params, batches, backend="batched")
    expected = dense_hessian(loss, params, batches)
    torch.testing.assert_close(H.dense(chunk=7), expected, rtol=1e-10, atol=1e-12)
