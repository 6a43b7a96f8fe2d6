"""No derivative is taken on torch's word: differences of the loss value decide."""

import threading
import warnings

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

from condlab.curvature import HessianOperator, gauss_newton, make_loss
from condlab.nn import condition
from condlab.spectra import spectrum

DOUBLE = {"dtype": torch.float64}
H_STEP = 2e-3  # truncation, its fourth power, against rounding, eps over its square


def operator(net, criterion, x, y, **options):
    loss = make_loss(net, criterion)
    params = {n: p for n, p in net.named_parameters() if p.requires_grad}
    return HessianOperator(loss, params, [(x, y)], **options)


def second_difference(loss, params, batch, u, v):
    """Return u'Hv from eight values of the loss, in float64, by nothing else."""

    def at(a, b):
        moved = {n: p.detach() + a * u[n] + b * v[n] for n, p in params.items()}
        with torch.no_grad():
            return float(loss(moved, batch))

    def mixed(h):
        return (at(h, h) - at(h, -h) - at(-h, h) + at(-h, -h)) / (4 * h * h)

    return (4 * mixed(H_STEP) - mixed(2 * H_STEP)) / 3  # Richardson


def assert_right_to_differences(H, loss, batch):
    generator = torch.Generator().manual_seed(5)
    u, v = torch.randn(2, H.shape[0], generator=generator, **DOUBLE)
    u, v = u / u.norm(), v / v.norm()
    parts = (H.unflatten(u), H.unflatten(v))
    expected = second_difference(loss, H.params, batch, *parts)
    size = float((H @ v).norm())
    assert abs(float(u @ (H @ v)) - expected) < 1e-6 * max(size, 1)


def data(*shape, out=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(*shape, generator=generator, **DOUBLE)
    return x, torch.randn(len(x), out, generator=generator, **DOUBLE)


def weight_normed(kind, dim):
    torch.manual_seed(0)
    layers = {
        "linear": lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)),
        "conv": lambda: nn.Sequential(
            nn.Conv1d(1, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(6, 2)
        ),
    }
    net = layers[kind]().double()
    for layer in (net[0], net[-1]):
        if dim == "legacy":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                nn.utils.weight_norm(layer)
        else:
            nn.utils.parametrizations.weight_norm(layer, dim=dim)
    return net


@pytest.mark.parametrize("dim", [0, 1, None, "legacy"])
@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_weight_norm_is_differentiated_twice_by_its_formula(kind, dim):
    """torch 2.13 takes |v| for a constant in the fused kernel's second derivative."""
    net = weight_normed(kind, dim)
    x, y = data(6, 3)
    x = x[:, None] if kind == "conv" else x
    H = operator(net, nn.MSELoss(), x, y)
    assert_right_to_differences(H, H.point.loss, (x, y))
    A = H.dense()
    torch.testing.assert_close(A, A.T, rtol=1e-12, atol=1e-12)


def test_weight_norm_of_a_recurrent_layer_is_right_to_differences():
    torch.manual_seed(0)
    rnn = nn.GRU(2, 3, batch_first=True).double()
    nn.utils.parametrizations.weight_norm(rnn, "weight_hh_l0")

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = rnn

        def forward(self, x):
            return self.rnn(x)[0][:, -1]

    x, y = data(4, 5, 2, out=3)
    H = operator(Last(), nn.MSELoss(), x, y)
    assert_right_to_differences(H, H.point.loss, (x, y))


def test_weight_norm_near_a_minimum_in_float32_has_a_bracket_that_holds():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)),
        nn.Tanh(),
        nn.utils.parametrizations.weight_norm(nn.Linear(4, 1)),
    )
    x, y = (part.float() for part in data(32, 3, out=1))
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(600):
        adam.zero_grad()
        nn.functional.mse_loss(net(x), y).backward()
        adam.step()
    found = spectrum(operator(net, nn.MSELoss(), x, y))
    exact = spectrum(operator(net.double(), nn.MSELoss(), x.double(), y.double()))
    assert (found.lower <= exact.values).all()
    assert (exact.values <= found.upper).all()


class Checkpointed(nn.Module):
    def __init__(self, use_reentrant):
        super().__init__()
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)
        self.reentrant = use_reentrant

    def forward(self, x):
        hidden = checkpoint(
            lambda z: torch.tanh(self.first(z)),
            x.clone().requires_grad_(),
            use_reentrant=self.reentrant,
        )
        return self.last(hidden)


class Once(torch.autograd.Function):
    """The sine, which can be differentiated once."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].cos()


class WrongOnce(torch.autograd.Function):
    """The square, with a wrong gradient."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * (2 * x + x.roll(1))


class Slope(torch.autograd.Function):
    """Twice the argument, with a derivative that is not symmetric."""

    @staticmethod
    def forward(ctx, x):  # noqa: ARG004
        return 2 * x

    @staticmethod
    def backward(ctx, g):  # noqa: ARG004
        return 2 * g + g.roll(1)


class WrongTwice(torch.autograd.Function):
    """The square, with a gradient that is right and a wrong derivative of that."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.square()

    @staticmethod
    def backward(ctx, g):
        return g * Slope.apply(ctx.saved_tensors[0])


def applied(function):
    return lambda p, x: function.apply(x @ p["w"]).square().mean()


def detached(p, x):
    z = x @ p["w"]
    return (z * z.detach()).mean()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (applied(Once), "differences of the gradient"),
        (applied(WrongOnce), "differences of the loss"),
        (applied(WrongTwice), "differences of the gradient"),
        (detached, "differences of the loss"),
        (lambda p, x: (x @ p["w"].detach()).square().mean(), "differences of the loss"),
    ],
    ids=["once", "wrong gradient", "wrong Hessian", "detached", "all detached"],
)
def test_derivative_that_differences_contradict_is_refused(loss, reason, dtype):
    x, _ = data(7, 5)
    w = data(5, 1, seed=1)[0][:, 0]
    with pytest.raises(ValueError, match=reason):
        HessianOperator(loss, {"w": w.to(dtype)}, [x.to(dtype)])


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_checkpointing_whose_recomputation_loses_the_parameters_is_refused(
    use_reentrant,
):
    torch.manual_seed(0)
    x, y = data(7, 3)
    with pytest.raises(ValueError, match="checkpointing"):
        operator(Checkpointed(use_reentrant).double(), nn.MSELoss(), x, y)


def test_checkpointing_of_a_function_of_the_parameters_is_right():
    def loss(p, x):
        hidden = checkpoint(lambda w: torch.tanh(x @ w), p["w"], use_reentrant=False)
        return hidden.square().sum(dim=1).mean()

    x = data(7, 3)[0]
    H = HessianOperator(loss, {"w": data(3, 4, seed=2)[0]}, [x])
    assert_right_to_differences(H, loss, x)


NORMED = {
    "layer norm": lambda: nn.Sequential(
        nn.Linear(3, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, 2)
    ),
    "instance norm": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 3)),
        nn.Conv1d(1, 4, 2),
        nn.InstanceNorm1d(4, affine=True),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(8, 2),
    ),
    "batch statistics": lambda: nn.Sequential(
        nn.Linear(3, 6),
        nn.BatchNorm1d(6, track_running_stats=False),
        nn.Tanh(),
        nn.Linear(6, 2),
    ),
    "encoder layer": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 3)),
        nn.Linear(3, 4),
        nn.TransformerEncoderLayer(4, 2, 4, 0.0, "gelu", batch_first=True),
        nn.Flatten(),
        nn.Linear(4, 2),
    ),
}


@pytest.mark.parametrize("criterion", [nn.MSELoss(), nn.HuberLoss(delta=5.0)])
@pytest.mark.parametrize("name", NORMED)
def test_normed_network_is_right_by_the_backends_that_are(name, criterion):
    """torch 2.13's vmap rule of layer norm's backward takes its statistics as given."""
    torch.manual_seed(0)
    net = NORMED[name]().double()
    x, y = data(7, 3)
    H = operator(net, criterion, x, y)
    assert_right_to_differences(H, H.point.loss, (x, y))


def test_backend_that_dissents_is_dropped_and_named():
    torch.manual_seed(0)
    net = NORMED["layer norm"]().double()
    x, y = data(7, 3)
    H = operator(net, nn.MSELoss(), x, y)
    refused = {t.name: t.refused for t in H.trials if t.refused}
    assert "off differences of the gradient" in refused["forward over reverse"]
    with pytest.raises(ValueError, match="off differences of the gradient"):
        operator(net, nn.MSELoss(), x, y, backend="forward")


class Padded(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(6, 3, padding_idx=-5)
        self.head = nn.Linear(3, 2)

    def forward(self, ids):
        return self.head(torch.tanh(self.words(ids)).mean(dim=1))


@pytest.mark.parametrize("method", [None, "row", "column", "row_column"])
def test_padding_row_of_an_embedding_is_a_constant(method):
    torch.manual_seed(0)
    net = Padded().double()
    with torch.no_grad():
        net.words.weight.normal_()
    if method:
        condition(net, method)
    ids = torch.tensor([[2, 3, 1], [4, 1, 1], [5, 0, 1]])
    y = data(3, 1)[1]
    H = operator(net, nn.MSELoss(), ids, y)

    def pinned(params, batch):
        row = net.words.weight[1].detach()

        class Held(nn.Module):
            def forward(self, table, ids):
                return torch.where((ids == 1)[..., None], row, table[ids])

        names = [n for n in params if n.startswith("words")]
        table = functional_call(
            net.words,
            {n.removeprefix("words."): params[n] for n in names},
            (torch.arange(6),),
        )
        hidden = torch.tanh(Held()(table, batch[0])).mean(dim=1)
        weights = {n: p for n, p in params.items() if n.startswith("head")}
        head = {n.removeprefix("head."): p for n, p in weights.items()}
        return nn.functional.mse_loss(functional_call(net.head, head, hidden), batch[1])

    assert_right_to_differences(H, pinned, (ids, y))


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, _: torch.sinc(p["t"][0]),
        lambda p, _: torch.sinc(p["t"]).sum(),
        lambda p, _: torch.sinc(p["t"][0]) + p["t"][1].square(),
        lambda p, _: 3 * torch.sinc(2 * p["t"][0]),
        lambda p, _: torch.sinc(p["t"].prod()) + torch.sinc(p["t"][0]),
    ],
)
def test_steps_that_the_gradient_no_longer_sees_do_not_confirm_a_zero(loss):
    """The second derivative of sinc at 0 is -pi^2/3; torch 2.13 has 0 or nan."""
    params = {"t": torch.zeros(2, dtype=torch.float64)}
    with pytest.raises(ValueError, match=r"contradict|off differences"):
        HessianOperator(loss, params, [None], weights=[1.0])


def test_steps_of_all_sizes_agree_on_a_zero():
    params = {"t": torch.ones(2, dtype=torch.float64)}
    flat = HessianOperator(lambda p, _: p["t"].sum(), params, [None], weights=[1.0])
    assert not flat.dense().any()


def test_gap_to_differences_is_part_of_the_noise():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    H = operator(net, nn.MSELoss(), *data(9, 3))
    assert 0 < H.noise < 1e-7 * float(H.dense().norm())
    assert spectrum(H).noise > H.noise
    assert spectrum(H, method="lanczos", num_matvecs=8).noise > H.noise


def test_kinks_do_not_make_noise():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
    x, y = data(256, 8)
    double = operator(net.double(), nn.MSELoss(), x, y)
    assert double.noise < 1e-5 * float(double.dense().norm())
    single = operator(net.float(), nn.MSELoss(), x.float(), y.float())
    assert single.noise < 1e-2 * float(double.dense().norm())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gauss_newton_matrix_is_held_against_differences_of_the_criterion(dtype):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).to(dtype)
    x, y = (part.to(dtype) for part in data(9, 3, out=3))
    params = dict(net.named_parameters())
    G = gauss_newton(make_loss(net, nn.SmoothL1Loss(beta=9.0)), params, [(x, y)])
    assert 0 < G.noise < 1e3 * torch.finfo(dtype).eps ** 0.7 * float(G.dense().norm())

    def crooked(z, y):
        return WrongTwice.apply(z - y).mean()

    with pytest.raises(ValueError, match="differences of the gradient"):
        gauss_newton(make_loss(net, crooked), params, [(x, y)])


@pytest.mark.parametrize("value", ["nan", "inf", "slope"])
def test_loss_that_is_not_finite_is_named(value):
    def loss(p, x):
        z = (x @ p["w"]).square().sum()
        if value == "slope":
            return (z - z.detach()).abs().sqrt()
        return z * float(value)

    with pytest.raises(ValueError, match="must be finite at the point"):
        HessianOperator(loss, {"w": torch.ones(3, **DOUBLE)}, [data(2, 3)[0]])


def test_misspelt_parameter_is_named_with_its_neighbour():
    loss = make_loss(nn.Linear(3, 2), nn.MSELoss())
    batch = torch.ones(4, 3), torch.ones(4, 2)
    with pytest.raises(ValueError, match="no 'weigth'; did you mean 'weight'"):
        HessianOperator(loss, {"weigth": torch.ones(2, 3)}, [batch])


def test_batch_norm_in_training_mode_inside_a_loss_of_ones_own_is_refused():
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double()
    before = net[1].running_mean.clone()

    def loss(p, x):
        return functional_call(net, p, x).square().sum(dim=1).mean()

    with pytest.raises(ValueError, match="running_mean of a BatchNorm1d"):
        HessianOperator(loss, dict(net.named_parameters()), [data(7, 3)[0]])
    assert torch.equal(net[1].running_mean, before)
    assert int(net[1].num_batches_tracked) == 0


@pytest.mark.parametrize("backend", ["retained", "rebuilt", "forward"])
def test_products_in_threads_equal_those_in_a_row(backend):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2)).double()
    loss, (x, y) = make_loss(net, nn.MSELoss()), data(40, 6)
    points = [
        {n: (i + 1) * p.detach() for n, p in net.named_parameters()} for i in range(3)
    ]
    operators = [HessianOperator(loss, p, [(x, y)], backend=backend) for p in points]
    V = torch.randn(operators[0].shape[0], 12, generator=torch.Generator(), **DOUBLE)
    expected = [[H @ v for v in V.T] for H in operators]
    wrong = []

    def multiply(which):
        for v, product in zip(V.T, expected[which], strict=True):
            if not torch.equal(operators[which] @ v, product):
                wrong.append(which)

    threads = [threading.Thread(target=multiply, args=(i % 3,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_losses_are_evaluated_in_full_float32_whatever_the_process_allows():
    conv, seen = torch.backends.cudnn.conv, []
    kept = conv.fp32_precision

    def loss(params, x):
        seen.append(torch.backends.cudnn.conv.fp32_precision)
        return (params["w"] * x).square().sum()

    try:
        conv.fp32_precision = "tf32"
        params = {"w": torch.ones(3, requires_grad=True)}
        H = HessianOperator(loss, params, [torch.arange(3.0)])
        assert torch.equal(H.dense(), torch.diag(2 * torch.arange(3.0) ** 2))
        assert set(seen) == {"ieee"}
        assert conv.fp32_precision == "tf32"
    finally:
        conv.fp32_precision = kept
