"""Densities, traces and inverses on a GPU are those of the CPU."""

import pytest
import torch
from torch import nn

from condlab.curvature import (
    HessianOperator,
)
from condlab.spectra import (
    assemble,
    density,
    diagonal,
    frobenius_norm,
    solve,
    spectrum,
    trace,
)
from tests.gpu.beside import both, on, vectors
from tests.spectra.matrices import SPECTRA, rotated

pytestmark = pytest.mark.gpu


def test_densities_traces_and_diagonals_are_the_same(device):
    H, K = both(device, HessianOperator)
    n = H.shape[0]
    ours, theirs = (density(M, num_matvecs=12, num_probes=3) for M in (H, K))
    x = torch.linspace(-0.1, 0.3, 7).numpy()
    assert theirs.cumulative(x).value == pytest.approx(
        ours.cumulative(x).value, abs=1e-6
    )
    for estimate in (trace, frobenius_norm):
        for products in (20, n + 1):
            ours, theirs = (estimate(M, num_matvecs=products) for M in (H, K))
            assert theirs.value == pytest.approx(ours.value, rel=1e-6)
    for products in (20, n + 1):
        ours, theirs = (diagonal(M, num_matvecs=products).values for M in (H, K))
        assert theirs.device.type == device.type
        torch.testing.assert_close(theirs.cpu(), ours, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("method", ["minres", "cg"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_products_with_the_inverse_are_the_same(device, method, dtype):
    A = rotated(SPECTRA["indefinite"].abs() + 0.5).to(dtype)
    A = (A + A.T) / 2
    B = vectors(30).to(dtype)
    rtol = 1e-4 if dtype == torch.float32 else 1e-9
    ours = solve(A, B, damping=0.1, method=method, rtol=rtol)
    theirs = solve(A.to(device), B.to(device), damping=0.1, method=method, rtol=rtol)
    assert theirs.reached
    assert theirs.value.device.type == device.type
    torch.testing.assert_close(
        theirs.value.cpu(), ours.value, rtol=100 * rtol, atol=rtol
    )


def test_scipy_gets_and_gives_arrays(device):
    H, K = both(device, HessianOperator)
    v = vectors(H.shape[0], 2).numpy()
    assert K.to_scipy() @ v == pytest.approx(H.to_scipy() @ v, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("folder", ["checkpoint"])
def test_runs_that_were_cut_off_go_on_there(device, folder, tmp_path):
    _, K = both(device, HessianOperator)
    whole = K.dense(chunk=8)
    path = tmp_path / folder

    class Killed(Exception):
        pass

    def stop(progress):
        if progress.done > 20:
            raise Killed

    with pytest.raises(Killed):
        assemble(K, chunk=8, checkpoint=path, progress=stop)
    torch.testing.assert_close(assemble(K, chunk=8, checkpoint=path), whole)
    options = {"method": "lanczos", "basis": 10, "rtol": 0}
    expected = spectrum(K, num_matvecs=40, **options)
    spectrum(K, num_matvecs=25, checkpoint=path, **options)
    resumed = spectrum(K, num_matvecs=40, checkpoint=path, **options)
    assert float(resumed.values[-1]) == pytest.approx(float(expected.values[-1]))


@pytest.mark.parametrize("tf32", [True, False])
def test_float32_products_have_all_their_bits_whatever_is_allowed(device, tf32):
    kept = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.Tanh(), nn.Conv2d(16, 8, 3), nn.Tanh(), nn.Flatten(),
        nn.Linear(8 * 12 * 12, 10),
    )  # fmt: skip
    batches, found = [(torch.randn(32, 3, 16, 16), torch.arange(32) % 10)], []
    torch.backends.cudnn.allow_tf32 = tf32
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    try:
        for dtype in (torch.float64, torch.float32):
            problem = on(device, net, batches, nn.CrossEntropyLoss(), dtype)
            H = HessianOperator(*problem)
            v = vectors(H.shape[0], 1)[:, 0].to(device, dtype)
            found.append((H @ v).double().cpu())
        assert torch.backends.cudnn.allow_tf32 == tf32
    finally:
        torch.backends.cudnn.allow_tf32 = kept[0]
        torch.set_float32_matmul_precision(kept[1])
    exact, ours = found  # TF32 rounds to 2^-11, which leaves 2e-4 here; float32 4e-7
    assert float((ours - exact).norm() / exact.norm()) <= 2**-16
