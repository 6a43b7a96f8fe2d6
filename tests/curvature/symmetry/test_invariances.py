"""Each invariance satisfies H (A theta + b) = -A'g, and predicts what is null."""

import pytest
import torch
from torch import nn

from condlab.curvature import (
    HessianOperator,
    attention,
    bias_shift,
    line_numbers,
    make_loss,
    null_space,
    output_shift,
    relu_rescaling,
    require_invariant,
    residual,
    row_scale,
)
from condlab.nn import condition
from tests.curvature.networks import Attention, problem


def hessian(net, shape, criterion=None, backend="auto", seed=0):
    """Return the Hessian of a network on random data, and its parameters."""
    torch.manual_seed(seed)
    net = net.double()
    x = torch.randn(shape, dtype=torch.float64)
    outputs = net(x)
    y = torch.randint(0, outputs.shape[1], (len(x),))
    if criterion is not None:
        y = torch.randn_like(outputs)
    loss = make_loss(net, criterion or nn.CrossEntropyLoss())
    params = dict(net.named_parameters())
    return HessianOperator(loss, params, [(x, y)], backend=backend), params


def eigenvalues_that_vanish(H):
    values = torch.linalg.eigvalsh(H.dense()).abs()
    return int((values < 1e-12 * values.max()).sum())


def normed():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 2),
        nn.GroupNorm(2, 4),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


def layer_normed():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, 2))


def relu():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def row_conditioned():
    torch.manual_seed(0)
    return condition(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)))


def column_conditioned():
    torch.manual_seed(0)
    return condition(
        nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), "column"
    )


def attending():
    torch.manual_seed(0)
    return Attention()


RAW = "0.parametrizations.weight.original"
FAMILIES = {  # make, shape of the inputs, invariance of the parameters
    "softmax shift": (relu, (9, 3), lambda p: output_shift(p, "2.weight", "2.bias")),
    "layer norm shift": (
        layer_normed,
        (9, 3),
        lambda p: output_shift(p, "0.weight", "0.bias", source="layer norm shift"),
    ),
    "bias before mean": (
        normed,
        (3, 2, 3, 3),
        lambda p: bias_shift(p, "0.bias", groups=2),
    ),
    "ReLU rescaling": (
        relu,
        (9, 3),
        lambda p: relu_rescaling(p, "0.weight", "0.bias", "2.weight"),
    ),
    "row scale": (row_conditioned, (9, 3), lambda p: row_scale(p, RAW)),
    "column scale": (
        column_conditioned,
        (9, 3),
        lambda p: row_scale(p, RAW, columns=True),
    ),
    **{
        source: (
            attending,
            (3, 3, 4),
            lambda p, i=i: attention(p, "attention", heads=2)[i],
        )
        for i, source in enumerate(("query-key", "value-output", "key bias"))
    },
}


@pytest.mark.parametrize("backend", ["retained", "rebuilt", "forward", "batched"])
@pytest.mark.parametrize("source", FAMILIES)
def test_declared_invariance_holds_to_1e_12_by_every_backend(source, backend):
    make, shape, family = FAMILIES[source]
    H, params = hessian(make(), shape, backend=backend)
    invariance = family(params)
    assert invariance.source == source
    assert residual(H, invariance) <= 1e-12
    require_invariant(H, invariance)


@pytest.mark.parametrize("source", FAMILIES)
def test_loss_stays_the_same_along_the_flow(source):
    """The flow of A theta + b by its power series, so that nothing is linearised."""
    make, shape, family = FAMILIES[source]
    H, params = hessian(make(), shape)
    invariance = family(params)
    c = torch.linspace(-0.7, 0.8, invariance.size, dtype=torch.float64)
    before = {name: p.detach() for name, p in params.items()}
    theta, term = dict(before), invariance.direction(before, c)
    nothing = {name: torch.zeros_like(p) for name, p in before.items()}
    constant = invariance.direction(nothing, c)
    for k in range(1, 25):  # theta <- sum of A^(k-1) (A theta + b) / k!
        theta = {n: theta[n] + term[n] for n in theta}
        moved = invariance.direction(term, c)
        term = {n: (moved[n] - constant[n]) / (k + 1) for n in theta}
    batch = H.point.data.first
    loss = H.point.loss
    assert any(not torch.equal(theta[n], before[n]) for n in theta)
    torch.testing.assert_close(
        loss(theta, batch), loss(before, batch), rtol=1e-12, atol=0
    )


@pytest.mark.parametrize("source", FAMILIES)
def test_adjoint_is_the_transpose_of_the_linear_part(source):
    make, _, family = FAMILIES[source]
    params = {n: p.detach().double() for n, p in make().named_parameters()}
    invariance = family(params)
    c = torch.linspace(-1, 1, invariance.size, dtype=torch.float64)
    g = {n: torch.randn_like(p) for n, p in params.items()}
    zero = {n: torch.zeros_like(p) for n, p in params.items()}
    moved, constant = (invariance.direction(p, c) for p in (params, zero))
    pulled = invariance.adjoint(g, c)
    left = sum(((moved[n] - constant[n]) * g[n]).sum() for n in params)
    right = sum((params[n] * pulled[n]).sum() for n in params)
    torch.testing.assert_close(torch.as_tensor(left), torch.as_tensor(right))


def test_softmax_shift_counts_the_inputs_and_the_bias():
    H, params = hessian(nn.Linear(4, 3), (20, 4))
    found = null_space(H, [output_shift(params, "weight", "bias")])
    assert found.sources == {"softmax shift": 5}
    assert eigenvalues_that_vanish(H) == found.nullity == 5
    assert (H @ found.basis).abs().max() < 1e-15


def test_equilibrating_the_output_layer_leaves_only_the_bias_null():
    net = condition(nn.Linear(4, 3).double())
    H, params = hessian(net, (20, 4))
    assert null_space(H, [output_shift(params, None, "bias")]).nullity == 1
    assert eigenvalues_that_vanish(H) == 1
    with pytest.raises(ValueError, match="not invariant under softmax shift"):
        require_invariant(
            H, output_shift(params, "parametrizations.weight.original", "bias")
        )


def test_null_space_of_a_normed_network_is_all_that_vanishes():
    H, params = hessian(layer_normed(), (40, 3))
    found = null_space(
        H,
        [
            output_shift(params, "3.weight", "3.bias"),
            output_shift(params, "0.weight", "0.bias", source="layer norm shift"),
        ],
    )
    assert found.sources == {"softmax shift": 5, "layer norm shift": 4}
    assert eigenvalues_that_vanish(H) == 9
    gram = found.basis.T @ found.basis
    torch.testing.assert_close(gram, torch.eye(9, dtype=torch.float64))


def test_key_bias_is_null_and_pairings_only_where_nothing_pulls():
    """Two classes pull along one line: one motion C a head is left with A'g = 0."""
    H, params = hessian(attending(), (3, 3, 4))
    found = null_space(H, attention(params, "attention", heads=2))
    assert found.sources == {"query-key": 0, "value-output": 2, "key bias": 4}
    assert (H @ found.basis).abs().max() < 1e-14


def test_rescaling_a_unit_that_never_fires_is_null():
    net = relu()
    with torch.no_grad():
        net[0].bias[:] = torch.tensor([1.0, -100.0, 1.0, 1.0])
    H, params = hessian(net, (40, 3))
    rescaling = relu_rescaling(params, "0.weight", "0.bias", "2.weight")
    assert null_space(H, [rescaling]).sources == {"ReLU rescaling": 1}


def test_row_scale_is_null_only_where_the_gradient_vanishes():
    net = condition(nn.Linear(3, 2, bias=False).double())
    torch.manual_seed(0)
    x = torch.randn(9, 3, dtype=torch.float64)
    for y, nullity in ((torch.randn(9, 2).double(), 0), (net(x).detach(), 2)):
        loss, params = make_loss(net, nn.MSELoss()), dict(net.named_parameters())
        H = HessianOperator(loss, params, [(x, y)])
        scale = row_scale(params, "parametrizations.weight.original")
        assert null_space(H, [scale]).nullity == nullity
        assert eigenvalues_that_vanish(H) == nullity


def test_same_directions_from_two_sources_count_once():
    H, params = hessian(nn.Linear(4, 3), (20, 4))
    shift = output_shift(params, "weight", "bias")
    bias = output_shift(params, None, "bias", source="bias")
    assert null_space(H, [shift, bias]).sources == {"softmax shift": 5, "bias": 0}
    assert null_space(H, []).nullity == 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda p: row_scale(p, "0.weight"),
        lambda p: output_shift(p, "0.weight", None),
        lambda p: bias_shift(p, "2.bias", groups=2),
        lambda p: relu_rescaling(p, "0.weight", "0.bias", "2.weight"),
    ],
)
def test_what_changes_the_loss_is_refused(wrong):
    loss, params, batches = problem("mlp with mse")
    with pytest.raises(ValueError, match="not invariant"):
        require_invariant(HessianOperator(loss, params, batches), wrong(params))


def test_invariance_in_float32_is_seen_to_its_rounding():
    H, params = hessian(relu(), (9, 3))
    single = HessianOperator(
        H.point.loss,
        {n: p.detach().float() for n, p in params.items()},
        [(x.float(), y) for x, y in [H.point.data.first]],
    )
    require_invariant(single, output_shift(single.params, "2.weight", "2.bias"))


def test_bad_names_and_groups_are_named():
    params = dict(relu().named_parameters())
    with pytest.raises(ValueError, match="'w' is no parameter"):
        row_scale(params, "w")
    with pytest.raises(ValueError, match="groups must divide"):
        bias_shift(params, "0.bias", groups=3)
    with pytest.raises(ValueError, match="must read what"):
        relu_rescaling(params, "0.weight", None, "0.weight")
    assert line_numbers(torch.zeros(2, 3), columns=True).tolist() == [[0, 1, 2]] * 2
