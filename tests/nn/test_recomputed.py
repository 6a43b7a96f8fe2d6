"""Effective weights that backward computes again: same derivatives, less memory."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.utils.checkpoint import checkpoint

from condlab.nn import Layout, condition, normalise_weights, uncondition
from condlab.nn.conditioning import pinned
from condlab.nn.maps import _recomputed

RECOMPUTED = [
    ("row", {}),
    ("row", {"gain": True}),
    ("row", {"frozen": True}),
    ("row", {"frozen": True, "every": None}),
    ("column", {}),
    ("column", {"gain": "scalar"}),
    ("row_column", {}),
    ("jacobi", {}),
    ("ruiz", {}),
    ("standardize", {}),
    ("standardize", {"affine": True}),
    ("center", {}),
    ("divide", {"eps_place": "inside"}),
    ("scaled_standardize", {}),
    ("centered_weight_norm", {}),
]
LAYERS = {
    "linear": (lambda: nn.Linear(8, 8), (4, 3, 8)),
    "without a bias": (lambda: nn.Linear(8, 8, bias=False), (4, 8)),
    "grouped": (lambda: nn.Conv2d(4, 4, 1, groups=2), (2, 4, 3, 3)),
    "transposed": (lambda: nn.ConvTranspose1d(4, 4, 1), (2, 4, 5)),
    "attention": (lambda: nn.MultiheadAttention(8, 2, batch_first=True), (2, 3, 8)),
    "recurrent": (lambda: nn.RNN(8, 8, batch_first=True), (2, 9, 8)),
}


@pytest.fixture(autouse=True)
def always(monkeypatch):
    """Take every weight for one that is worth it."""
    monkeypatch.setattr(_recomputed, "ROWS", 0)
    monkeypatch.setattr(_recomputed, "WORK", 0)


@pytest.fixture
def replays(monkeypatch):
    """Count the weights that are computed again."""
    counted = []
    value = _recomputed._Evaluation.value

    def counting(self):
        counted.append(self)
        return value(self)

    monkeypatch.setattr(_recomputed._Evaluation, "value", counting)
    return counted


def keeping(monkeypatch):
    monkeypatch.setattr(_recomputed, "ROWS", 1 << 60)


def made(name, method, options):
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    return normalise_weights(make(), method, **options), torch.randn(shape)


def output(layer, x):
    if isinstance(layer, nn.MultiheadAttention):
        return layer(x, x, x)[0]
    out = layer(x)
    return out[0] if isinstance(layer, nn.RNN) else out


def derivatives(layer, x, **casting):
    """Return the gradients of a loss, and those of their squares."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", enabled=bool(casting), **casting):
        loss = output(layer, x).float().square().sum()
    inputs = [x, *layer.parameters()]
    first = torch.autograd.grad(loss, inputs, create_graph=True)
    again = torch.autograd.grad(sum(g.square().sum() for g in first), inputs)
    return [*first, *again]


def plain_gradients(layer, x):
    layer.zero_grad()
    output(layer, x).square().sum().backward()
    return [p.grad.clone() for p in layer.parameters()]


def equal(these, those):
    return all(torch.equal(a, b) for a, b in zip(these, those, strict=True))


CASES = [
    (name, method, options)
    for method, options in RECOMPUTED
    for name in LAYERS
    if method != "jacobi" or name in ("linear", "attention")
]


@pytest.mark.parametrize(("name", "method", "options"), CASES)
def test_first_and_second_derivatives_are_those_of_keeping(
    name, method, options, replays, monkeypatch
):
    layer, x = made(name, method, options)
    found, grads = derivatives(layer, x), plain_gradients(layer, x)
    assert replays
    keeping(monkeypatch)
    replays.clear()
    assert equal(found, derivatives(layer, x))
    assert equal(grads, plain_gradients(layer, x))
    assert not replays


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("method", ["row", "row_column", "ruiz", "standardize"])
def test_autocast_has_the_derivatives_of_keeping(method, dtype, monkeypatch):
    layer, x = made("linear", method, {})
    x = x / 8  # squares of squares of half precision
    found = derivatives(layer, x, dtype=dtype)
    keeping(monkeypatch)
    assert equal(found, derivatives(layer, x, dtype=dtype))


def test_weights_and_images_with_channels_last_have_them_too(replays, monkeypatch):
    torch.manual_seed(0)
    layer = condition(nn.Conv2d(4, 8, 3)).to(memory_format=torch.channels_last)
    x = torch.randn(2, 4, 5, 5).to(memory_format=torch.channels_last)
    found = derivatives(layer, x)
    assert replays
    keeping(monkeypatch)
    assert equal(found, derivatives(layer, x))


@pytest.mark.parametrize("method", ["row", "row_column", "standardize"])
def test_jacobians_by_rows_at_once_are_those_of_keeping(method, monkeypatch):
    layer, x = made("linear", method, {})

    def jacobian(W):
        named = {"parametrizations.weight.original": W}
        return torch.func.functional_call(layer, named, x)

    W = layer.parametrizations.weight.original.detach()
    found = torch.autograd.functional.jacobian(jacobian, W, vectorize=True)
    keeping(monkeypatch)
    each = torch.autograd.functional.jacobian(jacobian, W)
    torch.testing.assert_close(found, each, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", ["row", "row_column", "standardize"])
def test_writing_to_the_stored_weight_before_backward_raises(method):
    layer, x = made("linear", method, {})
    loss = layer(x).square().sum()
    with torch.no_grad():
        layer.parametrizations.weight.original.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_step_of_the_optimiser_before_backward_raises():
    layer, x = made("linear", "row", {})
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1, fused=True)
    layer(x).square().sum().backward()
    loss = layer(x).square().sum()
    optimiser.step()
    with pytest.raises(RuntimeError, match="before the step of an optimiser"):
        loss.backward()


def test_writing_to_the_input_or_the_gain_before_backward_raises():
    for change in (lambda layer, x: x.mul_(2), lambda layer, x: gain(layer).mul_(2)):
        layer, x = made("linear", "row", {"gain": True})
        loss = layer(x).square().sum()
        with torch.no_grad():
            change(layer, x)
        with pytest.raises(RuntimeError, match="inplace"):
            loss.backward()


def gain(layer):
    return layer.parametrizations.weight[0].gain


def test_gain_that_stops_training_before_backward_changes_no_other_gradient():
    layer, x = made("linear", "row", {"gain": True})
    raw = layer.parametrizations.weight.original
    (expected,) = torch.autograd.grad(layer(x).square().sum(), raw)
    loss = layer(x).square().sum()
    gain(layer).requires_grad_(requires_grad=False)
    (found,) = torch.autograd.grad(loss, raw)
    assert torch.equal(found, expected)


def test_backward_through_the_inputs_alone_and_twice(replays, monkeypatch):
    layer, x = made("linear", "row_column", {})
    x.requires_grad_()
    raw = layer.parametrizations.weight.original
    loss = layer(x).square().sum()
    found = [torch.autograd.grad(loss, x, retain_graph=True)[0] for _ in range(2)]
    found += torch.autograd.grad(loss, raw, retain_graph=True)
    found += torch.autograd.grad(loss, [x, raw])
    assert replays
    keeping(monkeypatch)
    dx, dW = torch.autograd.grad(layer(x).square().sum(), [x, raw])
    assert equal(found, [dx, dx, dW, dx, dW])


def test_weight_that_its_layer_writes_to_is_kept(replays, monkeypatch):
    class Halved(nn.Linear):
        def forward(self, x):
            return nn.functional.linear(x, self.weight.mul_(0.5), self.bias)

    torch.manual_seed(0)
    layer, x = Halved(4, 4), torch.randn(2, 4)
    kinds = {Halved: Layout()}
    normalise_weights(layer, "standardize", kinds=kinds, affine=True)
    found = derivatives(layer, x)
    assert not replays
    keeping(monkeypatch)
    assert equal(found, derivatives(layer, x))


def inside_checkpoint(layer, x):
    return checkpoint(layer, x, use_reentrant=False)


def saved_elsewhere(layer, x):
    with torch.autograd.graph.save_on_cpu():
        return layer(x)


def with_hooks_forbidden(layer, x):
    with torch.autograd.graph.disable_saved_tensors_hooks("none here"):
        return layer(x)


def with_weights_cached(layer, x):
    with parametrize.cached():
        return layer(x)


def evaluated(layer, x):
    return layer.eval()(x)


def forward_alone(layer, x):
    return layer.forward(x)


KEPT = [
    inside_checkpoint,
    saved_elsewhere,
    with_hooks_forbidden,
    with_weights_cached,
    evaluated,
    forward_alone,
]


@pytest.mark.parametrize("call", KEPT)
def test_weights_are_kept_where_others_look_at_what_is_saved(call, replays):
    layer, x = made("linear", "row", {})
    expected = plain_gradients(layer, x)
    replays.clear()
    layer.zero_grad()
    call(layer, x).square().sum().backward()
    assert not replays
    assert equal([p.grad for p in layer.parameters()], expected)


def test_transforms_and_compilers_keep_weights(replays):
    layer, x = made("linear", "row_column", {})
    raw = layer.parametrizations.weight.original

    def loss(W):
        named = {"parametrizations.weight.original": W}
        return torch.func.functional_call(layer, named, x).square().sum()

    (expected,) = torch.autograd.grad(layer(x).square().sum(), raw)
    assert replays
    replays.clear()
    torch.testing.assert_close(torch.func.grad(loss)(raw.detach()), expected)
    torch._dynamo.reset()
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    (found,) = torch.autograd.grad(compiled(x).square().sum(), raw)
    torch.testing.assert_close(found, expected)
    torch._dynamo.reset()
    assert not replays


@pytest.mark.parametrize("method", ["polynomial", "orthogonal_weight_norm", "spectral"])
def test_maps_that_cost_more_than_a_pass_keep_their_values(method, replays):
    layer, x = made("linear", method, {})
    plain_gradients(layer, x)
    assert not replays


def test_pinned_divisors_keep_their_weights(replays):
    layer, x = made("linear", "row", {"frozen": True})
    with pinned(layer.modules()):
        plain_gradients(layer, x)
    assert not replays


def test_small_work_keeps_the_weight(monkeypatch, replays):
    monkeypatch.undo()
    layer, x = made("linear", "row", {})
    plain_gradients(layer, x)
    assert not replays


def test_uncondition_gives_the_layer_its_class_back():
    layer = uncondition(condition(nn.Linear(3, 2)))
    assert type(layer) is nn.Linear
