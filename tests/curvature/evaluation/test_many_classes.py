"""Cross-entropies of many classes are differentiated by formulas, as torch's own."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, linear

from condlab.curvature import HessianOperator, empirical_fisher, gauss_newton, make_loss
from condlab.curvature.evaluation import _heads, _vocabulary
from condlab.curvature.evaluation._twice import differentiable
from condlab.curvature.evaluation.backends import gradient_graph, graph_bytes

TOKENS, HIDDEN, CLASSES = 13, 3, 29
IGNORED = -100


@pytest.fixture(autouse=True)
def calls(monkeypatch):
    """Take 29 classes for many, in blocks of 8, and count what goes by formulas."""
    calls = []
    forward = _vocabulary.Losses.forward

    def counted(*args):
        calls.append(args)
        return forward(*args)

    monkeypatch.setattr(_heads, "MANY", CLASSES)
    monkeypatch.setattr(_vocabulary, "LEAST", 8)
    monkeypatch.setattr(_vocabulary, "BLOCK", 1)
    monkeypatch.setattr(_vocabulary.Losses, "forward", staticmethod(counted))
    return calls


def network(*, bias=True, dtype=torch.float64):
    torch.manual_seed(0)
    head = nn.Linear(HIDDEN, CLASSES, bias=bias)
    return nn.Sequential(nn.Linear(4, HIDDEN), nn.Tanh(), head).to(dtype)


def tokens(count=TOKENS, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(count, 4, generator=generator, dtype=dtype)
    y = torch.randint(0, CLASSES, (count,), generator=generator)
    y[0], y[-1] = CLASSES - 1, 0
    return x, y


def by_torch(loss, params, batch, v):
    """Return the gradient and H v by torch's own graph, outside of the package."""
    leaves = {n: p.detach().clone().requires_grad_() for n, p in params.items()}
    slopes = torch.autograd.grad(
        loss(leaves, batch), list(leaves.values()), create_graph=True
    )
    flat = torch.cat([s.reshape(-1) for s in slopes])
    found = torch.autograd.grad(flat @ v, list(leaves.values()), allow_unused=True)
    parts = [
        torch.zeros_like(p) if f is None else f
        for f, p in zip(found, leaves.values(), strict=True)
    ]
    return flat.detach(), torch.cat([f.reshape(-1) for f in parts])


def assert_as_by_torch(loss, params, batch, **options):
    H = HessianOperator(loss, params, [batch], **options)
    generator = torch.Generator().manual_seed(2)
    V = torch.randn(H.shape[0], 3, generator=generator, dtype=H.dtype)
    for v in V.T:
        slope, product = by_torch(loss, params, batch, v)
        assert close(H @ v, product)
        assert close(H @ v, product)  # from what is kept
    assert close(H @ V, torch.stack([H @ v for v in V.T], dim=1))
    assert close(H.gradient(), slope)
    return H


def close(a, b):
    eps = torch.finfo(b.dtype).eps  # sums of a few hundred terms
    return (a - b).norm() <= 200 * eps * b.norm()


def of(net, criterion):
    return make_loss(net, criterion), dict(net.named_parameters())


@pytest.mark.parametrize(
    "backend", ["auto", "retained", "rebuilt", "forward", "batched"]
)
@pytest.mark.parametrize("bias", [True, False])
def test_products_are_those_of_torchs_own_graph(calls, bias, backend):
    net = network(bias=bias)
    loss, params = of(net, nn.CrossEntropyLoss())
    assert_as_by_torch(loss, params, tokens(), backend=backend)
    assert calls


@pytest.mark.parametrize("width", [1, 8, CLASSES, 100])
@pytest.mark.parametrize("count", [1, 2, 64])
def test_blocks_may_be_of_any_width(calls, monkeypatch, width, count):
    monkeypatch.setattr(_vocabulary, "LEAST", width)
    loss, params = of(network(), nn.CrossEntropyLoss())
    assert_as_by_torch(loss, params, tokens(count), backend="retained")
    assert calls


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("ignored", [IGNORED, 0, 28])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_reductions_weights_and_ignored_tokens_are_as_torchs(
    calls, reduction, ignored, weighted
):
    weight = torch.linspace(0, 2, CLASSES, dtype=torch.float64) if weighted else None
    x, y = tokens()
    y[3] = y[7] = ignored

    def criterion(z, y):
        found = cross_entropy(z, y, weight, None, ignored, None, reduction)
        return found.square().sum()

    loss, params = of(network(), criterion)
    assert_as_by_torch(loss, params, (x, y), backend="retained")
    assert calls


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_of_ignored_tokens_alone_are_as_torchs(calls, reduction):
    z, y = torch.randn(5, HIDDEN), torch.full((5,), IGNORED)
    W = torch.randn(CLASSES, HIDDEN, requires_grad=True)
    expected = cross_entropy(linear(z, W), y, reduction=reduction)
    with differentiable():
        found = cross_entropy(linear(z, W), y, reduction=reduction)
    assert calls
    torch.testing.assert_close(found, expected, equal_nan=True)


def test_many_batches_are_weighed_by_their_tokens(calls):
    net = network()
    loss, params = of(net, nn.CrossEntropyLoss())
    x, y = tokens(40)
    y[::3] = IGNORED
    v = torch.randn(sum(p.numel() for p in params.values()), dtype=torch.float64)
    H = HessianOperator(loss, params, [(x[:11], y[:11]), (x[11:], y[11:])])
    assert close(H @ v, by_torch(loss, params, (x, y), v)[1])
    assert calls


@pytest.mark.parametrize("kind", ["smoothing", "probabilities", "images"])
def test_what_has_no_formula_is_left_to_torch(calls, kind):
    x, y = tokens()
    P = torch.rand(TOKENS, CLASSES, dtype=torch.float64)
    criterion = {
        "smoothing": nn.CrossEntropyLoss(label_smoothing=0.1),
        "probabilities": lambda z, _: cross_entropy(z, P),
        "images": lambda z, y: cross_entropy(z[..., None], y[:, None]),
    }[kind]
    loss, params = of(network(), criterion)
    assert_as_by_torch(loss, params, (x, y), backend="retained")
    assert not calls


def test_a_class_out_of_range_is_refused_as_by_torch():
    x, y = tokens()
    y[2] = CLASSES
    net = network()
    with differentiable(), pytest.raises(IndexError, match="out of bounds"):
        nn.CrossEntropyLoss()(net(x), y)


def reshaped(z, y):
    return cross_entropy(z.view(1, TOKENS, CLASSES).flatten(0, 1).reshape(-1, 29), y)


def used_twice(z, y):
    return cross_entropy(z, y) + z.square().mean() + cross_entropy(z, y.flip(0))


def warmed(z, y):
    return cross_entropy(z.div_(2), y)


def sharpened(z, y):
    value = cross_entropy(z, y)
    (slope,) = torch.autograd.grad(value, z, create_graph=True)
    return value + slope.square().sum()


def sharpened_by_hook(z, y):
    z.retain_grad()
    return sharpened(z, y)


def sharpened_by_rows(z, y):
    losses = cross_entropy(z, y, reduction="none")
    (slope,) = torch.autograd.grad(losses.square().sum(), z, create_graph=True)
    return losses.mean() + slope.square().sum()


@pytest.mark.parametrize(
    ("criterion", "by_formula"),
    [
        (reshaped, True),
        (used_twice, True),
        (warmed, False),
        (sharpened, True),
        (sharpened_by_hook, True),
        (sharpened_by_rows, True),
    ],
)
def test_logits_may_be_used_in_any_way(calls, criterion, by_formula):
    loss, params = of(network(), criterion)
    assert_as_by_torch(loss, params, tokens(), backend="retained")
    assert bool(calls) == by_formula


def penalised(params, batch):
    """Return a loss with a gradient of its own, by inputs: a third derivative."""
    x, y = batch
    x = x.detach().requires_grad_()
    value = cross_entropy(linear((x @ params["A"]).tanh(), params["W"]), y)
    (slope,) = torch.autograd.grad(value, x, create_graph=True)
    return value + slope.square().sum()


def tied(params, batch):
    x, y = batch
    h = x @ params["A"] + params["W"][y.flip(0)]
    return cross_entropy(linear(h, params["W"] / params["W"].norm()), y)


def of_inputs(params, batch):
    """Return a loss whose head is a constant."""
    x, y = batch
    W = torch.arange(CLASSES * HIDDEN, dtype=x.dtype).cos().view(CLASSES, HIDDEN)
    return cross_entropy(linear(x @ params["A"], W), y) + params["W"].square().mean()


def of_sequences(params, batch):
    x, y = batch
    z = linear(x.view(1, TOKENS, 4) @ params["A"], params["W"], params["W"][:, 0])
    return cross_entropy(input=z.view(-1, CLASSES), target=y)


@pytest.mark.parametrize("loss", [penalised, tied, of_inputs, of_sequences])
def test_heads_may_be_of_anything(calls, loss):
    generator = torch.Generator().manual_seed(3)
    shapes = {"A": (4, HIDDEN), "W": (CLASSES, HIDDEN)}
    params = {
        n: torch.randn(s, generator=generator, dtype=torch.float64)
        for n, s in shapes.items()
    }
    assert_as_by_torch(loss, params, tokens(), backend="retained")
    assert calls


@pytest.mark.parametrize("pattern", ["0.*", "2.weight", "2.bias", "2.*"])
def test_blocks_of_some_parameters_are_those_of_the_whole(calls, pattern):
    loss, params = of(network(), nn.CrossEntropyLoss())
    H = HessianOperator(loss, params, [tokens()], backend="retained")
    K = H.block(pattern)
    inside = H.flatten(
        {n: torch.full_like(p, float(n in K.params)) for n, p in params.items()}
    ).bool()
    expected = HessianOperator(loss, params, [tokens()], backend="forward").dense()
    torch.testing.assert_close(
        K @ torch.eye(K.shape[0]).double(), expected[inside][:, inside]
    )
    assert calls


def test_gauss_newton_and_fisher_matrices_are_what_they_were(calls, monkeypatch):
    loss, params = of(network(), nn.CrossEntropyLoss())
    x, y = tokens()
    y[4] = IGNORED

    def made():
        return [
            gauss_newton(loss, params, [(x, y)]).dense(),
            empirical_fisher(loss, params, [(x, y)], per="token").dense(),
            empirical_fisher(loss, params, [(x[:4], y[:4])]).dense(),
        ]

    found = made()
    assert calls
    monkeypatch.setattr(_heads, "MANY", CLASSES + 1)
    for A, B in zip(found, made(), strict=True):
        torch.testing.assert_close(A, B)


@pytest.mark.parametrize("margin", [0.0, 5.0, 12.0, 20.0])
def test_rounding_is_no_more_than_that_of_torchs_own_graph(calls, margin):
    """Where tokens are fitted, P - 1 and shifted products of it would lose digits."""
    x, y = tokens(200)
    net = network()
    with torch.no_grad():
        net[2].weight.mul_(3)
        net[2].bias[0] += margin
    y = torch.zeros_like(y) if margin else y
    loss, params = of(net, nn.CrossEntropyLoss())
    v = torch.randn(sum(p.numel() for p in params.values()), dtype=torch.float64)
    single = {n: p.float() for n, p in params.items()}
    batch = x.float(), y
    given = {n: p.double() for n, p in single.items()}
    exact = by_torch(loss, given, (batch[0].double(), y), v.float().double())[1]
    H = HessianOperator(loss, single, [batch], backend="retained")
    own = (by_torch(loss, single, batch, v.float())[1] - exact).norm()
    off = ((H @ v.float()) - exact).norm()
    assert calls
    assert off <= own + 4 * torch.finfo(torch.float32).eps * exact.norm()


def test_graphs_keep_the_logits_once(calls):
    """torch's own keeps five matrices of their size."""
    net = network()
    loss, params = of(net, nn.CrossEntropyLoss())
    leaves = {n: p.detach().clone().requires_grad_() for n, p in params.items()}
    x, y = tokens(1000)
    held = graph_bytes(lambda: gradient_graph(loss, leaves, (x, y)), leaves)
    logits = 1000 * CLASSES * 8
    assert logits <= held <= 2 * logits
    assert calls
