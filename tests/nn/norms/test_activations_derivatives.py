"""First and second derivatives of every normalisation, against finite differences."""

import math
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck, gradgradcheck
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.testing import assert_close

from condlab.nn import ngpt
from condlab.nn.norms import (
    NORMS,
    AdaptiveInstanceNorm,
    AdaptiveLayerNorm,
    FixNorm,
    QKNorm,
    inverse_root,
    make_norm,
)

SHAPES = {
    "images": (3, 4, 2, 2), "tokens": (2, 3, 4), "vectors": (6, 4),
    "signals": (3, 4, 4), "volumes": (3, 4, 2, 1, 2),
}  # fmt: skip
OPTIONS = {
    "decorrelated": {"group_size": 2, "eps": 0.1},
    "iterative": {"group_size": 2, "eps": 0.1},
    "local_contrast": {"window": 3},
    "divisive": {"window": 3},
    "associate": {"groups": 2},
    "batch_channel": {"groups": 2},
    "ghost_batch": {"examples": 2},
    "group": {"groups": 2},
}
CASES = [(name, layout) for layout in NORMS for name in NORMS[layout]]


def function_of(layer, *inputs):
    """Return a pure function of inputs and parameters, and a point to take it at."""
    names = [name for name, p in layer.named_parameters() if p.requires_grad]
    buffers = {key: value.detach() for key, value in layer.named_buffers()}

    def function(*arguments):
        arrays, values = arguments[: len(inputs)], arguments[len(inputs) :]
        state = {key: value.clone() for key, value in buffers.items()}
        state |= dict(zip(names, values, strict=True))
        return torch.func.functional_call(layer, state, arrays)

    parameters = dict(layer.named_parameters())
    values = [
        (parameters[name] + 0.1 * torch.randn_like(parameters[name])).detach()
        for name in names
    ]
    point = [x.detach().requires_grad_() for x in (*inputs, *values)]
    return function, point


def check(layer, *inputs):
    function, point = function_of(layer.double(), *inputs)
    assert gradcheck(function, point)
    assert gradgradcheck(function, point, fast_mode=True)  # along random directions


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(1)


@pytest.mark.parametrize(("name", "layout"), CASES)
def test_derivatives_in_training(name, layout):
    options = OPTIONS.get(name, {})
    layer = make_norm(name, 4, layout=layout, **options)
    check(layer, torch.randn(SHAPES[layout], dtype=torch.float64))


@pytest.mark.parametrize("name", ["moving_batch", "batch_renorm", "switchable"])
def test_derivatives_in_evaluation(name):
    layer = make_norm(name, 4).eval()
    check(layer, torch.randn(3, 4, 2, 2, dtype=torch.float64))


@pytest.mark.parametrize("combine", ["a(WE)", "a(WE+B)", "a(WE)*B", "a(WE)+B"])
@pytest.mark.parametrize("pairing", ["paper", "ilm"])
def test_derivatives_of_every_associate_norm(combine, pairing):
    layer = make_norm("associate", 4, groups=2, combine=combine, pairing=pairing)
    check(layer, torch.randn(2, 4, 2, 2, dtype=torch.float64))


def test_derivatives_with_respect_to_content_and_style():
    content = torch.randn(2, 2, 2, 2, dtype=torch.float64)
    style = torch.randn(2, 2, 3, dtype=torch.float64)
    check(AdaptiveInstanceNorm(), content, style[..., None])


def test_derivatives_with_respect_to_tokens_and_condition():
    tokens = torch.randn(2, 3, 4, dtype=torch.float64)
    check(AdaptiveLayerNorm(4, 2), tokens, torch.randn(2, 2, dtype=torch.float64))


def test_derivatives_of_vector_layers():
    h = torch.randn(3, 4, dtype=torch.float64)
    check(FixNorm(4, 2), h)
    check(QKNorm(5), h, torch.randn(3, 4, dtype=torch.float64))


def test_derivatives_of_a_step_on_the_sphere():
    tokens = torch.randn(1, 3, 4, dtype=torch.float64)
    with sdpa_kernel(SDPBackend.MATH):  # the only one with second derivatives
        check(ngpt.SphereBlock(4, 2, hidden=4), tokens)


@pytest.mark.parametrize("spectrum", [(1.0, 2.0, 5.0), (2.0, 2.0, 2.0), (1, 1, 1e4)])
def test_the_inverse_root_is_smooth_at_repeated_eigenvalues(spectrum):
    Q, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    S = Q @ torch.diag(torch.tensor(spectrum, dtype=torch.float64)) @ Q.mT

    def root(S):
        return inverse_root((S + S.mT) / 2)

    point = S.detach().requires_grad_()
    assert gradcheck(root, point, check_forward_ad=True)
    assert gradgradcheck(root, point)


def test_the_inverse_roots_derivative_at_a_diagonal_is_the_divided_difference():
    values = torch.tensor([1.0, 4.0, 9.0], dtype=torch.float64)
    J = torch.autograd.functional.jacobian(inverse_root, torch.diag(values))
    for i in range(3):
        for j in range(3):
            a, b = math.sqrt(values[i]), math.sqrt(values[j])
            # Half of what moves (i, j) when S's symmetric entries both move.
            found = (J[i, j, i, j] + J[i, j, j, i]) / (2 if i == j else 1)
            assert_close(float(found), -1 / (a * b * (a + b)), rtol=1e-13, atol=0)


def test_forward_over_reverse_and_vmap_reach_the_same_hessian():
    layer = make_norm("decorrelated", 2, layout="vectors", affine=False).double()
    layer.train()
    x, probe = torch.randn(2, 5, 2, dtype=torch.float64)

    def loss(x):
        other = deepcopy(dict(layer.named_buffers()))
        state = {key: value.clone() for key, value in other.items()}
        return (probe * torch.func.functional_call(layer, state, (x,))).sum()

    forward = torch.func.jacfwd(torch.func.grad(loss), randomness="error")(x)
    rows = []
    point = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(point), point, create_graph=True)
    for entry in gradient.flatten():
        rows.append(torch.autograd.grad(entry, point, retain_graph=True)[0])
    assert_close(forward, torch.stack(rows).reshape(forward.shape))


def test_autocast_keeps_the_averages_in_single_precision():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), make_norm("ghost_batch", 8))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        net(torch.randn(4, 3, 6, 6)).sum().backward()
    assert net[1].running_mean.dtype == torch.float32
    assert bool(net[0].weight.grad.isfinite().all())
