"""Networks that others made, plain and conditioned: products against loss values.

The networks are those of docs/conditioned-models.md. Loss values alone are asked, in
float64: second differences along v give v'Hv, and u'Hv by polarisation. The slow cases
need transformers.
"""

import contextlib
import sys
import types
from dataclasses import dataclass
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from condlab.cli import main
from condlab.curvature import HessianOperator, make_loss
from condlab.nn import condition
from tests.nn.families import FAMILIES, TORCH, inputs, pretrained, torchs

METHODS = {
    "plain": None,
    "row": {"method": "row"},
    "column": {"method": "column"},
    "row-column": {"method": "row_column"},
    "frozen": {"frozen": True, "every": None},
}
CHEAP = [
    (name, method)
    for name in TORCH
    for method in METHODS
    if name == "nn.TransformerEncoder"
    or (method == "row" and name not in ("nn.LSTM", "nn.GRU"))  # those take seconds
]
REST = [
    (name, method)
    for name in (*TORCH, *FAMILIES)
    for method in METHODS
    if (name, method) not in CHEAP
]
SMOOTH = 1e-15  # steps within rounding of a point: they show the noise of the loss
STEPS = tuple(0.1 / 4**k for k in range(6))  # of the parameters' length

pytestmark = pytest.mark.filterwarnings("ignore")  # others' about their own affairs


class SamplesFirst(nn.Module):
    """A network of torch's that takes sequences first, with batches first."""

    def __init__(self, net, *, twice):
        super().__init__()
        self.net, self.twice = net, twice

    def forward(self, x):
        x = x.transpose(0, 1)
        return (self.net(x, x) if self.twice else self.net(x)).transpose(0, 1)


class InDouble(TorchFunctionMode):
    """Compute in float64 what a network casts to float32, whatever its own dtype.

    Norms, softmax and scans of transformers 5.23.0 do so; their loss values are then
    too rough for second differences.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        def wide(value):
            return torch.float64 if value is torch.float32 else value

        func = torch.Tensor.double if func is torch.Tensor.float else func
        named = {name: wide(value) for name, value in (kwargs or {}).items()}
        return func(*map(wide, args), **named)


def in_double(net):
    inner = net.forward

    def forward(*arguments, **keywords):
        with InDouble():
            return inner(*arguments, **keywords)

    net.forward = forward
    return net


def first_tensor(outputs):
    """Return the first floating point tensor of what a network returns."""
    values = [outputs] if torch.is_tensor(outputs) else outputs.values()
    return next(v for v in values if torch.is_tensor(v) and v.is_floating_point())


def squares(outputs, targets):
    return (first_tensor(outputs) - targets).square().mean()


@torch.no_grad()
def smooth(net):
    """Take out what differences cannot see past: kinks, and rows of zeros.

    From zero, where padding and some tokens begin, a conditioned row jumps to length
    one, and layer normalisation turns as fast as its eps is small. A column of one
    entry, as depthwise kernels have, is its sign once it is conditioned.
    """
    generator = torch.Generator().manual_seed(4)
    for p in net.parameters():
        if p.ndim > 1:
            zero = (p == 0).all(-1, keepdim=True)
            fill = 0.02 * torch.randn(p.shape, generator=generator, dtype=p.dtype)
            p.copy_(torch.where(zero, fill, p))
    for module in list(net.modules()):
        if isinstance(module, nn.Conv2d) and module.weight.shape[1] == 1:
            module.weight += module.weight.std() * module.weight.sign()
        for name, child in list(module.named_children()):
            if isinstance(child, (nn.ReLU, nn.ReLU6)):
                setattr(module, name, nn.GELU())
            if isinstance(child, nn.MaxPool2d):
                mean = nn.AvgPool2d(child.kernel_size, child.stride, child.padding)
                setattr(module, name, mean)
        if getattr(module, "activation", None) is F.relu:
            module.activation = F.gelu
            module.activation_relu_or_gelu = 2  # the fused path's word for it
    return net


def problem(name, method):
    """Return module, criterion and batches in float64."""
    if name in TORCH:
        pair = name in ("nn.Transformer", "nn.TransformerDecoder")
        net = SamplesFirst(torchs(name)[0], twice=pair)
        batch = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(1))
        batch = batch.double()
    else:
        net, _ = pretrained(name)
        if name == "Mixtral":  # grouped products know no float64
            net.set_experts_implementation("eager")
        net = in_double(net)
        kind = FAMILIES[name].inputs
        batch = {
            key: x.double() if x.is_floating_point() else x
            for key, x in inputs(kind).items()
        }
    net = smooth(net.double().eval())
    if METHODS[method] is not None:
        condition(net, **METHODS[method])
    with torch.no_grad():
        z = first_tensor(net(**batch) if isinstance(batch, dict) else net(batch))
    y = torch.randn(z.shape, generator=torch.Generator().manual_seed(2))
    return net, squares, [(batch, y.double())]


@dataclass(frozen=True)
class Difference:
    value: float
    off: float  # from rounding, and from what a step four times as long changes


def second_difference(f, noise):
    """Return f''(0), by differences of sixth order, at the best of several steps."""
    weights, centre = {0: -490, 1: 270, 2: -27, 3: 2}, f(0.0)

    def at(step):
        pairs = {k: f(k * step) + f(-k * step) for k in (1, 2, 3)} | {0: centre}
        return sum(w * pairs[k] for k, w in weights.items()) / (180 * step**2)

    values = [at(step) for step in STEPS]
    most = abs(weights[0]) + 2 * sum(abs(weights[k]) for k in (1, 2, 3))
    rounding = [most / 180 * noise / step**2 for step in STEPS]
    found = [
        Difference(near, off + abs(wide - near))
        for wide, near, off in zip(values, values[1:], rounding[1:], strict=False)
    ]
    return min(found, key=lambda one: one.off)


def differences(H):
    """Return u'Hv and v'Hv of two probes, by the operator and by loss values."""
    loss, batch = H.point.loss, H.point.data.first
    theta = H.flatten(H.params)
    generator = torch.Generator().manual_seed(5)
    u, v = (
        x / x.norm() * theta.norm()
        for x in torch.randn(2, len(theta), generator=generator, dtype=torch.float64)
    )

    @torch.no_grad()
    def along(w, t):
        return float(loss(H.unflatten(theta + t * w), batch))

    at = along(v, 0.0)
    noise = max(abs(along(w, k * SMOOTH) - at) for w in (u, v) for k in (-2, -1, 1, 2))
    noise = max(noise, torch.finfo(torch.float64).eps * abs(at))
    whole, plus, minus = (
        second_difference(partial(along, w), noise) for w in (v, u + v, u - v)
    )
    both = Difference((plus.value - minus.value) / 4, (plus.off + minus.off) / 4)
    Hv = H @ v
    size = float(v.norm() * Hv.norm())
    return [(float(v @ Hv), whole), (float(u @ Hv), both)], size


def worst_error(name, method):
    """Return how far products are off differences, and what differences allow."""
    net, criterion, batches = problem(name, method)
    params = {n: p for n, p in net.named_parameters() if p.requires_grad}
    H = HessianOperator(make_loss(net, criterion), params, batches)
    pairs, size = differences(H)
    return [(abs(got - d.value) / size, d.off / size) for got, d in pairs]


@contextlib.contextmanager
def factory(name, method):
    """Make a network known to the command as others_nets:make."""
    module = types.ModuleType("others_nets")
    module.make = lambda: problem(name, method)
    sys.modules["others_nets"] = module
    try:
        yield "others_nets:make"
    finally:
        del sys.modules["others_nets"]


def require(name):
    if name in FAMILIES:
        pytest.importorskip("transformers")


def check(name, method, capsys):
    require(name)
    for error, allowed in worst_error(name, method):
        assert error <= allowed + 1e-12
        rough = 100 if name == "Mixtral" else 1  # it chooses two of four experts
        assert allowed < rough * 1e-4  # else the differences say nothing
    with factory(name, method) as model:
        few = ["--method", "lanczos", "--products", "8"]
        assert main(["hessian", model, *few]) == 0
    out = capsys.readouterr().out
    assert "largest eigenvalue" in out
    assert "kappa off null directions" in out


@pytest.mark.parametrize(("name", "method"), CHEAP)
def test_product_is_that_of_loss_values_and_the_command_ends_with_a_table(
    name, method, capsys
):
    check(name, method, capsys)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "method"), REST)
def test_others_product_is_that_of_loss_values_and_the_command_ends_with_a_table(
    name, method, capsys
):
    check(name, method, capsys)
