"""Operators of losses, held against differences of the loss's values."""

import torch

from condlab.curvature import HessianOperator, make_loss

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
