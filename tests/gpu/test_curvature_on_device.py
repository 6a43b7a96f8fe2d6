"""Products, matrices and conditions on a GPU are those of the CPU.

Both draw their random vectors on the CPU from the same seeds, so that they differ by
rounding alone; what is certain of one then holds for the other, too.
"""

import pytest
import torch
from torch import nn

from condlab.curvature import (
    HessianOperator,
    assemble_stack,
    bias_shift,
    compare,
    condition_number,
    empirical_fisher,
    gauss_newton,
    gauss_newton_condition,
    hold_lengths,
    jacobian,
    line_numbers,
    monte_carlo_fisher,
    normalised_lines,
    null_space,
    output_shift,
    row_scale,
    sphere,
    submatrix,
    tangent_kernel,
)
from condlab.spectra import (
    assemble,
    spectrum,
)
from tests.curvature.networks import NETWORKS, problem
from tests.gpu.beside import both, case, on, vectors

pytestmark = pytest.mark.gpu

CLOSE = {"rtol": 1e-8, "atol": 1e-10}
NO_DERIVATIVE = ("grid_sample",)  # twice, on a GPU: refused there with torch's words
BACKENDS = ("retained", "rebuilt", "forward", "batched", "auto")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NETWORKS)
def test_products_by_every_backend_are_the_same(device, name, backend):
    loss, params, batches = problem(name)
    module, criterion = loss.module, NETWORKS[name][2]
    V, found = vectors(sum(p.numel() for p in params.values())), []
    for place in ("cpu", device):
        try:
            H = HessianOperator(*on(place, module, batches, criterion), backend=backend)
        except ValueError as error:  # torch has no such derivative
            known = name in NO_DERIVATIVE and place != "cpu"
            assert known or backend in ("forward", "batched")
            found.append(str(error).split(":")[0])
            continue
        product = H @ V.to(place)
        assert product.device.type == torch.device(place).type
        found.append(product.cpu())
    ours, theirs = found
    if isinstance(ours, torch.Tensor) and isinstance(theirs, torch.Tensor):
        torch.testing.assert_close(theirs, ours, **CLOSE)


MATRICES = {
    "hessian": HessianOperator,
    "gauss-newton": gauss_newton,
    "fisher": empirical_fisher,
    "monte carlo": lambda *p: monte_carlo_fisher(*p, num_samples=2),
    "kernel": tangent_kernel,
    "block": lambda *p: HessianOperator(*p).block("0.*"),
    "submatrix": lambda *p: submatrix(HessianOperator(*p), slice(1, 30, 2)),
    "names": lambda *p: submatrix(HessianOperator(*p), "*weight*"),
}


@pytest.mark.parametrize("method", [None, "row", "column"])
@pytest.mark.parametrize("name", MATRICES)
def test_matrices_and_their_spectra_are_the_same(device, name, method):
    H, K = both(device, MATRICES[name], method)
    A, B = H.dense(), K.dense()
    assert B.device.type == device.type
    torch.testing.assert_close(B.cpu(), A, **CLOSE)
    torch.testing.assert_close(assemble(K).cpu(), A, **CLOSE)
    for options in ({}, {"method": "lanczos", "num_matvecs": 30, "rtol": 0}):
        ours, theirs = (spectrum(M, vectors=2, **options) for M in (H, K))
        size = float(ours.values.abs().max())
        for end in (0, -1):
            gap = abs(float(ours.values[end] - theirs.values[end]))
            assert gap <= 1e-9 * size
        assert theirs.values.device.type == "cpu"
        assert theirs.pairs.vectors.device.type == device.type
        assert float(theirs.pairs.residuals.max()) <= 1e-5 * size


def test_blocks_of_stacks_are_the_same(device):
    for method in (None, "row"):
        A, B = (assemble_stack(H) for H in both(device, HessianOperator, method))
        torch.testing.assert_close(B.cpu(), A, **CLOSE)


@pytest.mark.parametrize("method", ["exact", "factored", "counted", "lanczos"])
def test_conditions_are_the_same(device, method):
    def shifts(params):
        return [output_shift(params, "4.weight", "4.bias")]

    found = [
        condition_number(
            H,
            method=method,
            num_matvecs=25,
            interior=20 if method == "lanczos" else 0,
            invariances=shifts(H.params),
        )
        for H in both(device, HessianOperator)
    ]
    ours, theirs = found
    assert theirs.nullity >= 5
    assert theirs.lambda_max.lower == pytest.approx(ours.lambda_max.lower, rel=1e-8)
    assert theirs.lambda_min.upper == pytest.approx(ours.lambda_min.upper, rel=1e-6)
    if method != "lanczos":
        assert theirs.kappa_nonnull.value == pytest.approx(
            ours.kappa_nonnull.value, rel=1e-3
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_sphere_gauge_and_its_null_space_are_the_same(device, dtype):
    net, batches, criterion = case("row")
    found = []
    for place in ("cpu", device):
        loss, params, moved = on(place, net, batches, criterion, dtype)
        twin = loss.module
        H = HessianOperator(loss, params, moved)
        K = sphere(H, normalised_lines(twin))
        bias = [row_scale(params, n) for n in params if "original" in n]
        found.append(
            (
                condition_number(K),
                condition_number(H, gauge="sphere", invariances=bias),
                null_space(H, bias).nullity,
                K.dense().cpu(),
            )
        )
    (first, second, nullity, A), (third, fourth, other, B) = found
    close = {"rtol": 1e-3, "atol": 1e-4} if dtype == torch.float32 else CLOSE
    torch.testing.assert_close(B, A, **close)
    assert other == nullity
    assert third.lambda_max.lower == pytest.approx(first.lambda_max.lower, rel=1e-3)
    assert fourth.lambda_max.lower == pytest.approx(second.lambda_max.lower, rel=1e-3)


def test_comparisons_of_plain_and_conditioned_are_the_same(device):
    net, batches, criterion = case()
    found = []
    for place in ("cpu", device):
        loss, _, moved = on(place, net, batches, criterion)
        found.append(compare(loss.module, criterion, moved))
    ours, theirs = found
    for ours_, theirs_ in (
        (ours.plain, theirs.plain),
        (ours.conditioned, theirs.conditioned),
    ):
        assert theirs_.lambda_max.lower == pytest.approx(
            ours_.lambda_max.lower, rel=1e-6
        )


def test_biases_before_a_normalisation_are_null_directions_there_too(device):
    loss, _, batches = problem("group norm cnn")
    found = []
    for place in ("cpu", device):
        H = HessianOperator(*on(place, loss.module, batches, nn.CrossEntropyLoss()))
        found.append(null_space(H, [bias_shift(H.params, "0.bias", groups=2)]).nullity)
    assert found == [2, 2]


@pytest.mark.parametrize("at", ["cpu", "device"])
def test_lengths_are_held_wherever_the_numbers_of_lines_are(device, at):
    net, batches, criterion = case()
    found = []
    for place in ("cpu", device):
        loss, params, moved = on(place, net, batches, criterion)
        where = place if at == "device" else "cpu"
        lines = {"0.weight": line_numbers(torch.zeros(4, 3)).to(where)}
        held = hold_lengths(loss, params, lines)
        K = sphere(HessianOperator(held, params, moved), lines)
        found.append(K.dense().cpu())
    torch.testing.assert_close(found[1], found[0], **CLOSE)


def test_jacobians_are_the_same(device):
    J, K = both(device, jacobian)
    torch.testing.assert_close(K.dense().cpu(), J.dense(), **CLOSE)
    torch.testing.assert_close(K.T.dense().cpu(), J.T.dense(), **CLOSE)


def test_gauss_newton_conditions_are_the_same(device):
    ours, theirs = (gauss_newton_condition(G) for G in both(device, gauss_newton))
    assert theirs.nullity == ours.nullity
    assert theirs.kappa_nonnull.value == pytest.approx(
        ours.kappa_nonnull.value, rel=1e-6
    )


def test_single_precision_brackets_hold_what_double_precision_finds(device):
    truth, _ = both(device, HessianOperator)
    values = torch.linalg.eigvalsh(truth.dense())
    _, H = both(device, HessianOperator, dtype=torch.float32)
    found = spectrum(H)
    rounding = 1e-5 * float(values.abs().max())  # the weights were rounded too
    assert float(values[-1] - found.upper[-1]) <= rounding
    assert float(found.lower[-1] - values[-1]) <= rounding
