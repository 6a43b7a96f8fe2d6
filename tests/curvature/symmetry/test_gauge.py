"""The sphere gauge forgets the lengths of raw rows, and only these."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from condlab.curvature import HessianOperator, make_loss, normalised_lines, sphere
from condlab.nn import condition
from tests.curvature.networks import NETWORKS, mlp, problem

AGREE = {"rtol": 1e-10, "atol": 1e-12}


def conditioned(method="row", name="mlp with mse", **options):
    """Return loss, params and batches, and the lines that do not count."""
    kept = {}

    def change(net):
        condition(net, method, **options)
        kept.update(normalised_lines(net))

    return *problem(name, change), kept


def scaled(params, lines, factors):
    """Return the parameters with each line times its factor."""
    return {
        name: p.detach() * factors[lines[name] % len(factors)] if name in lines else p
        for name, p in params.items()
    }


@settings(max_examples=10)  # two assemblies each
@given(st.lists(st.floats(0.1, 100), min_size=3, max_size=3))
def test_lengths_of_raw_rows_do_not_count(factors):
    loss, params, batches, lines = conditioned()
    factors = torch.tensor(factors, dtype=torch.float64)
    K, scaled_K = (
        sphere(HessianOperator(loss, p, batches, backend="retained"), lines).dense()
        for p in (params, scaled(params, lines, factors))
    )
    assert (K - scaled_K).norm() <= 1e-10 * K.norm()
    kappa, scaled_kappa = (torch.linalg.cond(A) for A in (K, scaled_K))
    torch.testing.assert_close(kappa, scaled_kappa, rtol=1e-8, atol=0)  # kappa * 1e-12


def test_raw_hessian_does_count_the_lengths():
    loss, params, batches, lines = conditioned()
    bigger = scaled(params, lines, torch.tensor([10.0, 1.0], dtype=torch.float64))
    before, after = (
        torch.linalg.cond(HessianOperator(loss, p, batches).dense())
        for p in (params, bigger)
    )
    assert after > 2 * before or after < before / 2


@pytest.mark.parametrize("method", ["row", "column", "row_column", "jacobi"])
@pytest.mark.parametrize("name", ["mlp with mse", "group norm cnn", "attention"])
def test_sphere_gauge_is_the_projected_hessian_at_unit_lines(method, name):
    loss, params, batches, lines = conditioned(method, name)
    K = sphere(HessianOperator(loss, params, batches), lines)
    unit, normals = {}, []
    for key, p in params.items():
        numbers = lines.get(key)
        unit[key] = p.detach().clone()
        for i in range(0 if numbers is None else int(numbers.max()) + 1):
            row = numbers == i
            unit[key][row] /= p[row].norm().detach()
    H = HessianOperator(loss, unit, batches)
    for key, numbers in lines.items():
        for i in range(int(numbers.max()) + 1):
            normal = {k: torch.zeros_like(v) for k, v in unit.items()}
            normal[key][numbers == i] = unit[key][numbers == i]
            normals.append(H.flatten(normal))
    N = torch.stack(normals, dim=1)
    P = torch.eye(len(N), dtype=N.dtype) - N @ N.T
    expected = torch.linalg.eigvalsh(P @ H.dense() @ P)
    zeros = torch.zeros(N.shape[1], dtype=N.dtype)
    found = torch.cat([torch.linalg.eigvalsh(K.dense()), zeros]).sort().values
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    assert K.shape[0] == len(N) - N.shape[1]


def test_second_derivative_along_a_geodesic_is_the_quadratic_form():
    """On the product of spheres, with no correction term: by differentiating twice."""
    loss, params, batches, lines = conditioned()
    H = HessianOperator(loss, params, batches)
    K = sphere(H, lines)
    y = torch.linspace(-1, 1, K.shape[0], dtype=torch.float64)
    move = H.unflatten(K.lift(y))

    def along(t):
        moved = {}
        for name, p in params.items():
            w, z = p.detach(), move[name]
            if name not in lines:
                moved[name] = w + t * z
                continue
            length = w.norm(dim=1, keepdim=True)
            speed = z.norm(dim=1, keepdim=True) / length
            moved[name] = w * torch.cos(t * speed) + z / speed * torch.sin(t * speed)
        whole = tuple(torch.cat(parts) for parts in zip(*batches, strict=True))
        return loss(moved, whole)

    second = torch.autograd.functional.hessian(along, torch.zeros((), dtype=y.dtype))
    torch.testing.assert_close(second, y @ (K @ y), **AGREE)
    slope = torch.autograd.functional.jacobian(along, torch.zeros((), dtype=y.dtype))
    torch.testing.assert_close(slope, y @ K.gradient(), **AGREE)


def test_lift_and_coordinates_undo_each_other_and_project_is_the_transpose():
    loss, params, batches, lines = conditioned(name="group norm cnn")
    K = sphere(HessianOperator(loss, params, batches), lines)
    torch.manual_seed(0)
    Y = torch.randn(K.shape[0], 3, dtype=torch.float64)
    X = torch.randn(K.inner.shape[0], 3, dtype=torch.float64)
    torch.testing.assert_close(K.coordinates(K.lift(Y)), Y)
    torch.testing.assert_close(K.lift(Y).T @ X, Y.T @ K.project(X))
    torch.testing.assert_close((K @ Y)[:, 0], K @ Y[:, 0])


@pytest.mark.parametrize("name", NETWORKS)
def test_conditioned_layers_of_every_kind_ignore_the_lengths_of_rows(name):
    loss, params, batches, lines = conditioned("row", name)
    K = sphere(HessianOperator(loss, params, batches), lines)
    rows = sum(int(numbers.max()) + 1 for numbers in lines.values())
    assert K.shape[0] == K.inner.shape[0] - rows


def test_plain_and_frozen_layers_are_refused():
    loss, params, batches = problem("mlp with mse")
    lines = {"0.weight": torch.arange(3)[:, None].expand(3, 3)}
    with pytest.raises(ValueError, match="not invariant under line scale"):
        sphere(HessianOperator(loss, params, batches), lines)
    loss, params, batches, none = conditioned(frozen=True)
    assert none == {}
    _, _, _, lines = conditioned()
    with pytest.raises(ValueError, match="detached or frozen"):
        sphere(HessianOperator(loss, params, batches), lines)


def test_bad_lines_are_named():
    loss, params, batches, lines = conditioned()
    H = HessianOperator(loss, params, batches)
    name = next(iter(lines))
    with pytest.raises(ValueError, match="is no parameter"):
        sphere(H, {"w": lines[name]})
    with pytest.raises(ValueError, match="need its shape"):
        sphere(H, {name: lines[name][0]})
    uneven = lines[name].clone()
    uneven[0, 0] = 1
    with pytest.raises(ValueError, match="equally long"):
        sphere(H, {name: uneven})
    zero = {k: p.detach().clone() for k, p in params.items()}
    zero[name][1] = 0
    with pytest.raises(ValueError, match=r"line 1 of .* is zero"):
        sphere(HessianOperator(loss, zero, batches), lines)
    with pytest.raises(ValueError, match="shape"):
        sphere(H, lines) @ torch.ones(H.shape[0], dtype=torch.float64)


def test_rows_of_one_entry_leave_no_freedom():
    net = condition(nn.Sequential(nn.Linear(1, 2), mlp()[2].__class__(2, 1)).double())
    x = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    loss = make_loss(net, nn.MSELoss())
    H = HessianOperator(loss, dict(net.named_parameters()), [(x, x)])
    assert sphere(H, normalised_lines(net)).shape[0] == H.shape[0] - 3


def test_a_minimum_has_a_sphere_gauge_though_its_gradient_is_rounding():
    X = torch.randn(20, 3, generator=torch.Generator().manual_seed(0)).double()
    y = X @ torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64)

    def loss(params, batch):
        w = params["w"]
        return (batch[0] @ (w / w.norm()) - 3 * batch[1]).square().mean()

    w = torch.tensor([0.6, 0.0, 0.8], dtype=torch.float64)
    for _ in range(8):  # towards the best direction
        w = w / w.norm()
        H = HessianOperator(loss, {"w": w}, [(X, y)])
        K = sphere(H, {"w": torch.zeros(3, dtype=torch.int64)})
        w = w - K.lift(torch.linalg.solve(K.dense(), K.gradient()))
    assert float(H.gradient().norm()) < 1e-14 * float(H.dense().norm())
    assert torch.linalg.eigvalsh(K.dense()).min() > 0
