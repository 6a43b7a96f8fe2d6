"""Twins have exact Hessians, right in every gauge, and the arms of their studies."""

import copy
import importlib
import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.func import functional_call

from condlab.nn import fold
from studies.engine.loop import train
from studies.engine.sweeps import Options
from studies.tasks.arms import batch_statistics, matrix_layers
from studies.tasks.gauges import GAUGES, KAPPAS, Assembled, exact_probes, ignored_lines
from studies.tasks.shares import LossOfBatch
from studies.twins import ARMS, TWINS, own_config, task

EACH = pytest.mark.parametrize(
    "twin", [t for t, _ in TWINS], ids=lambda t: t.of + t.activation
)
SINES = TWINS[-1][0]


def measured(config):
    """Return a network as drawn, in double, with the loss and batch it is probed on."""
    seen = []
    made = task(config, Options("cpu"))
    study = importlib.import_module("studies.twins")
    probe, study.exact_probes = study.exact_probes, lambda *given: seen.append(given)
    try:
        task(config, Options("cpu")).curvature(drawn(made))
    finally:
        study.exact_probes = probe
    net, loss, batch = seen[0]
    batch = tuple(x.double() if x.is_floating_point() else x for x in batch)
    return net.to(memory_format=torch.contiguous_format), loss, batch


def drawn(made):
    torch.manual_seed(0)
    return made.network()


def slope(net, loss, batch):
    """Return the gradient on a batch as one vector, by one backward pass."""
    params = [p for p in net.parameters() if p.requires_grad]
    found = torch.autograd.grad(loss(net, batch), params, allow_unused=True)
    pairs = zip(found, params, strict=True)
    return torch.cat([(0 * p if g is None else g).flatten() for g, p in pairs]).detach()


def differences(net, loss, batch, directions, step=1e-6):
    """Return H V, for unit columns, from central differences of the gradient."""
    params = [p for p in net.parameters() if p.requires_grad]
    start = nn.utils.parameters_to_vector(params).detach().clone()
    columns = []
    for v in directions.T:
        slopes = []
        for sign in (1, -1):
            nn.utils.vector_to_parameters(start + sign * step * v, params)
            slopes.append(slope(net, loss, batch))
        columns.append((slopes[0] - slopes[1]) / (2 * step))
    nn.utils.vector_to_parameters(start, params)
    return torch.stack(columns, dim=1)


def of_parameters(net, loss):
    """Return the loss as a function of the parameters, by name, and of the batch."""
    whole = LossOfBatch(net, loss)
    params = {n: p for n, p in whole.named_parameters() if p.requires_grad}
    return lambda params, batch: functional_call(whole, params, (batch,)), params


@EACH
@pytest.mark.parametrize("arm", ["E", "WN"])
def test_the_matrix_is_that_of_differences_of_the_gradient(twin, arm):
    arm = {"E": "LN+E", "WN": "LN+W"}[arm] if twin.of == "vit" else arm
    net, loss, batch = measured(replace(twin, arm=arm))
    generator = torch.Generator().manual_seed(1)
    V = torch.randn(
        (sum(p.numel() for p in net.parameters()), 4),
        generator=generator,
        dtype=torch.float64,
    )
    V = V / V.norm(dim=0)
    with batch_statistics(net):
        true = differences(net, loss, batch, V)
        found = Assembled(*of_parameters(net, loss), batch).dense() @ V
    assert float((found - true).norm() / true.norm()) < 1e-5


def by_torch(net, loss, batch):
    """Return the matrix as torch.func makes it, forward over reverse."""
    of, params = of_parameters(net, loss)
    sizes = [p.numel() for p in params.values()]

    def flat(x):
        parts = zip(params.items(), x.split(sizes), strict=True)
        return of({name: part.view_as(p) for (name, p), part in parts}, batch)

    point = nn.utils.parameters_to_vector(params.values()).detach()
    return torch.func.hessian(flat)(point)


def on_the_quotient(net, loss, batch):
    """Return P H P - <x, g> P, scaled by lengths: the Hessian on the rows' spheres."""
    net = fold(copy.deepcopy(net))
    H, g = by_torch(net, loss, batch), slope(net, loss, batch)
    layers = {f"{name}.weight": layer for name, layer in matrix_layers(net)}
    bases, bent, start = [], [], 0
    for name, p in net.named_parameters():
        rows = p.detach().flatten(1) if name in layers else p.detach().reshape(-1, 1)
        for row in rows:
            place = slice(start, start := start + len(row))
            if name in layers:
                length = row.norm()
                basis = torch.linalg.svd(row[None]).Vh[1:].T * length
                bent += [float(row @ g[place])] * (len(row) - 1)
            else:
                basis, bent = torch.ones(1, 1, dtype=row.dtype), [*bent, 0.0]
            bases.append((place, basis))
    Q = torch.zeros(len(g), len(bent), dtype=g.dtype)
    column = 0
    for place, basis in bases:
        Q[place, column : column + basis.shape[1]] = basis
        column += basis.shape[1]
    return Q.T @ H @ Q - torch.diag(torch.tensor(bent, dtype=g.dtype))


@pytest.mark.parametrize("arm", ["plain", "E_gain", "WN"])
@pytest.mark.parametrize("twin", [TWINS[6][0], SINES], ids=["gaussian", "sine"])
def test_numbers_are_those_of_matrices_made_otherwise(twin, arm):
    net, loss, batch = measured(replace(twin, arm=arm))
    found = exact_probes(net, loss, batch)
    matrices = {"hessian": by_torch(net, loss, batch)}
    matrices["quotient"] = on_the_quotient(net, loss, batch)
    for name, matrix in matrices.items():
        values = torch.linalg.eigvalsh(matrix)
        sizes, end = values.abs().sort().values, "" if name == "hessian" else f"_{name}"
        ends = found[f"lambda_min{end}"], found[f"lambda_max{end}"]
        room = 1e-10 * float(sizes[-1])
        assert ends == pytest.approx((float(values[0]), float(values[-1])), abs=room)
        assert found[f"nullity{end}"] == 0
        kappa = float(sizes[-1] / sizes[0])
        assert found[f"kappa_{name}"] == pytest.approx(kappa, rel=kappa * 1e-12)
        assert found[f"kappa_{name}_lower"] <= kappa <= found[f"kappa_{name}_upper"]
        assert found[f"negative{end}"] == int((values < 0).sum())
        assert found[f"positive{end}"] == int((values > 0).sum())


def probed(config):
    return exact_probes(*measured(config))


@pytest.mark.parametrize(
    "twin",
    [
        pytest.param(t, id=t.of + t.activation, marks=slow)
        for t, _ in TWINS
        for slow in [[pytest.mark.slow] if t.data != "knot" else []]
    ],
)
def test_arms_that_are_one_function_are_one_point_of_the_quotient(twin):
    names = ("LN+E", "init_E") if twin.of == "vit" else ("E", "E_gain", "init_E")
    if twin.of in ("nerf", "shapes"):
        names = ("E_all", "E_gain", "init_E")
    plain = ("LN", "LN+W") if twin.of == "vit" else ("plain", "WN")
    for group in (names, plain):
        first, *others = [probed(replace(twin, arm=arm)) for arm in group]
        for other in others:
            for name in ("lambda_max_quotient", "lambda_min_quotient"):
                assert other[name] == pytest.approx(first[name], rel=1e-3)
            if other["nullity_quotient"] == first["nullity_quotient"]:
                ratio = other["kappa_quotient"] / first["kappa_quotient"]
                assert ratio == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("arm", ["E_all", "E_gain", "WN"])
def test_stored_lengths_of_rows_move_the_raw_gauge_alone(arm):
    net, loss, batch = measured(replace(TWINS[6][0], arm=arm))
    before = exact_probes(net, loss, batch)
    lines = ignored_lines(net)
    assert lines
    with torch.no_grad():
        for name, numbers in lines.items():
            factors = torch.logspace(-0.5, 0.5, int(numbers.max()) + 1)
            p = dict(net.named_parameters())[name]
            p.mul_(factors.double()[numbers])
    after = exact_probes(net, loss, batch)
    for end in ("_sphere", "_quotient"):
        for name in (f"kappa{end}", f"lambda_max{end}", f"lambda_min{end}"):
            assert after[name] == pytest.approx(before[name], rel=1e-4)
    assert after["lambda_max"] != pytest.approx(before["lambda_max"], rel=0.05)


def test_the_interval_holds_the_number_and_outlives_its_digits():
    found = probed(SINES)
    for kappa in KAPPAS:
        lower, upper = found[f"{kappa}_lower"], found[f"{kappa}_upper"]
        assert 1 <= lower <= found[kappa] <= upper
        assert upper < 1.01 * lower
        assert float(f"{lower:.6g}") == lower
        assert float(f"{upper:.6g}") == upper


def test_a_row_of_zeros_leaves_the_quotient_without_a_number_and_says_why():
    net, loss, batch = measured(SINES)
    with torch.no_grad():
        next(net.parameters())[0] = 0
    found = exact_probes(net, loss, batch)
    assert math.isnan(found["kappa_quotient"])
    assert found["method_quotient"].startswith("none: ")
    assert found["method"] == "dense"
    assert math.isfinite(found["kappa_hessian"])


@EACH
def test_twins_are_small_and_take_the_arms_and_the_step_rule_of_their_study(twin):
    study = importlib.import_module(f"studies.{twin.of}")
    assert set(ARMS[twin.of]) == {c.arm for c in study.PRESETS["cpu"]}
    own, theirs = own_config(twin), study.PRESETS["cpu"][0]
    for name in ("optimiser", "batch", "momentum", "weight_decay", "rays", "points"):
        assert getattr(own, name, None) == getattr(theirs, name, None)
    for arm in ARMS[twin.of]:
        net = drawn(task(replace(twin, arm=arm), Options("cpu")))
        assert sum(p.numel() for p in net.parameters()) <= 1500


def test_a_record_has_every_gauge_at_start_middle_and_end():
    config = replace(SINES, arm="E", steps=4)
    outcome = train(task(config, Options("cpu")), seed=0, steps=4)
    for kappa in KAPPAS:
        assert [step for step, _ in outcome.series[kappa]] == [0, 2, 4]
    for gauge in GAUGES:
        end = "" if gauge == "raw" else f"_{gauge}"
        assert {word for _, word in outcome.series[f"method{end}"]} == {"dense"}
