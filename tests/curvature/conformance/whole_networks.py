"""Rows of the table: small networks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.utils.checkpoint import checkpoint

from condlab.curvature import make_loss
from condlab.nn import condition
from tests.curvature.conformance.judge import Problem, Row
from tests.curvature.conformance.public_networks import (
    FAMILIES,
    GEOMETRIC,
    GRAPHS,
    SINGLE,
    from_configuration,
    graph,
)
from tests.curvature.conformance.torch_layers import Calling, drawn, of_module


def _mlp(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for m, n in itertools.pairwise(widths):
        layers += [nn.Linear(m, n), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def conditioned(method: str, **options: Any) -> Callable[[], Problem]:
    """Return a problem of a conditioned network; a frozen scaling is its constant."""
    return lambda: of_module(
        condition(_mlp(3, 4, 4, 2).double(), method, **options), drawn(6, 3)
    )


def pinn() -> Problem:
    """Return the residual of u'' + u = 0 by automatic differentiation."""
    net = _mlp(1, 6, 1).double()

    def loss(p: dict[str, Tensor], x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        u = functional_call(net, p, x)
        first = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
        second = torch.autograd.grad(first.sum(), x, create_graph=True)[0]
        return (second + u).square().mean()

    return loss, dict(net.named_parameters()), drawn(8, 1)


def pinn_of_func() -> Problem:
    """Return the same by torch.func inside the loss."""
    net = _mlp(1, 6, 1).double()

    def loss(p: dict[str, Tensor], x: Tensor) -> Tensor:
        def u(t: Tensor) -> Tensor:
            return functional_call(net, p, t[None])[0]

        second = vmap(grad(grad(u)))
        return (second(x) + vmap(u)(x)).square().mean()

    return loss, dict(net.named_parameters()), drawn(8)


def gradient_penalty() -> Problem:
    """Return a critic's loss with the norm of its gradient by the input."""
    net = _mlp(3, 5, 1).double()

    def loss(p: dict[str, Tensor], x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        value = functional_call(net, p, x)
        slope = torch.autograd.grad(value.sum(), x, create_graph=True)[0]
        return value.mean() + (slope.norm(dim=1) - 1).square().mean()

    return loss, dict(net.named_parameters()), drawn(6, 3)


def neural_ode() -> Problem:
    """Return a neural ODE by Runge and Kutta's fourth-order method."""

    def flow(m: nn.Module, z: Tensor) -> Tensor:
        h = 0.25
        for _ in range(4):
            a = m.field(z)
            b = m.field(z + h / 2 * a)
            c = m.field(z + h / 2 * b)
            d = m.field(z + h * c)
            z = z + h / 6 * (a + 2 * b + 2 * c + d)
        return z

    return of_module(Calling(flow, field=_mlp(2, 5, 2)), drawn(5, 2))


def solved_ode(*, adjoint: bool) -> Callable[[], Problem]:
    """Return a neural ODE by torchdiffeq, through its steps or by its adjoint."""

    def problem() -> Problem:
        import torchdiffeq

        solve = torchdiffeq.odeint_adjoint if adjoint else torchdiffeq.odeint
        times = torch.linspace(0, 1, 3, dtype=torch.float64)

        class Field(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.net = _mlp(2, 4, 2)

            def forward(self, _: Tensor, z: Tensor) -> Tensor:
                return self.net(z)

        def flow(m: nn.Module, z: Tensor) -> Tensor:
            return solve(m.field, z, times, method="rk4")[-1]

        return of_module(Calling(flow, field=Field()), drawn(5, 2))

    return problem


def vae() -> Problem:
    """Return a variational autoencoder's loss, its noise drawn beforehand."""
    encoder, decoder = _mlp(4, 5, 4).double(), _mlp(2, 5, 4).double()
    params = {f"e.{n}": p for n, p in encoder.named_parameters()}
    params |= {f"d.{n}": p for n, p in decoder.named_parameters()}

    def part(p: dict[str, Tensor], which: str) -> dict[str, Tensor]:
        return {n[2:]: t for n, t in p.items() if n.startswith(which)}

    def loss(p: dict[str, Tensor], batch: Any) -> Tensor:
        x, noise = batch
        mean, log_variance = functional_call(encoder, part(p, "e"), x).chunk(2, dim=1)
        z = mean + noise * (log_variance / 2).exp()
        made = functional_call(decoder, part(p, "d"), z)
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return ((made - x).square().sum(1) + divergence).mean()

    return loss, params, (drawn(6, 4), drawn(6, 2))


def flow() -> Problem:
    """Return the likelihood of a normalising flow with a dense linear map."""

    def loss(p: dict[str, Tensor], x: Tensor) -> Tensor:
        z = torch.tanh(x @ p["W"].T + p["b"])
        log_det = torch.linalg.slogdet(p["W"]).logabsdet + (1 - z.square()).log().sum(1)
        return (z.square().sum(1) / 2 - log_det).mean()

    return loss, {"W": drawn(3, 3), "b": drawn(3)}, drawn(6, 3) / 2


def fourier() -> Problem:
    """Return a Fourier neural operator's layer."""

    def forward(m: nn.Module, x: Tensor) -> Tensor:
        modes = torch.fft.rfft(x)[..., :3]
        mixed = torch.einsum("bim,iom->bom", modes, torch.view_as_complex(m.weight))
        return torch.tanh(torch.fft.irfft(mixed, n=x.shape[-1]) + m.skip(x))

    net = Calling(
        forward, weight=nn.Parameter(drawn(2, 2, 3, 2)), skip=nn.Conv1d(2, 2, 1)
    )
    return of_module(net, drawn(4, 2, 8))


def mixture() -> Problem:
    """Return a dense mixture of experts, their weights one tensor of three axes."""

    def forward(m: nn.Module, x: Tensor) -> Tensor:
        shares = m.gate(x).softmax(dim=-1)
        found = torch.tanh(torch.einsum("bi,eio->beo", x, m.experts))
        return torch.einsum("be,beo->bo", shares, found)

    net = Calling(forward, gate=nn.Linear(4, 3), experts=nn.Parameter(drawn(3, 4, 2)))
    return of_module(net, drawn(6, 4))


def equilibrium() -> Problem:
    """Return a deep equilibrium network, its fixed point unrolled."""

    def forward(m: nn.Module, x: Tensor) -> Tensor:
        z = torch.zeros_like(x)
        for _ in range(30):
            z = torch.tanh(m.inner(z) / 4 + x)
        return z

    return of_module(Calling(forward, inner=nn.Linear(3, 3)), drawn(5, 3))


def normed(kind: str) -> Callable[[], Problem]:
    """Return a network whose weights torch reparametrises."""
    tools = nn.utils.parametrizations

    def problem() -> Problem:
        net = _mlp(3, 4, 4, 2).double()
        for one in (net[0], net[2], net[4]):
            if kind == "legacy":
                nn.utils.weight_norm(one)
            elif kind == "weight":
                tools.weight_norm(one)
            elif kind == "spectral":
                tools.spectral_norm(one)
            else:
                tools.orthogonal(one, orthogonal_map=kind)
        return of_module(net, drawn(6, 3))

    return problem


def normed_gru() -> Problem:
    """Return a recurrent network with weight normalisation."""
    rnn = nn.GRU(3, 2, batch_first=True)
    nn.utils.parametrizations.weight_norm(rnn, "weight_hh_l0")
    return of_module(Calling(lambda m, x: m.rnn(x)[0][:, -1], rnn=rnn), drawn(4, 4, 3))


def checkpointed(*, reentrant: bool) -> Callable[[], Problem]:
    """Return a network that recomputes its activations."""

    def forward(m: nn.Module, x: Tensor) -> Tensor:
        x = x.clone().requires_grad_()
        return m.last(checkpoint(m.first, x, use_reentrant=reentrant))

    return lambda: of_module(
        Calling(forward, first=_mlp(3, 4, 4), last=nn.Linear(4, 2)), drawn(6, 3)
    )


def straight_through() -> Problem:
    """Return a network with rounded activations and a gradient as if they were not."""

    def forward(m: nn.Module, x: Tensor) -> Tensor:
        z = m.first(x)
        return m.last(z + (z.round() - z).detach())

    net = Calling(forward, first=nn.Linear(3, 4), last=nn.Linear(4, 2))
    return of_module(net, drawn(6, 3))


def stopped() -> Problem:
    """Return a Siamese loss with a gradient that is stopped on one side."""
    net = _mlp(3, 4, 3).double()

    def loss(p: dict[str, Tensor], x: Tensor) -> Tensor:
        a, b = functional_call(net, p, x), functional_call(net, p, x.flip(1)).detach()
        return -F.cosine_similarity(a, b).mean()

    return loss, dict(net.named_parameters()), drawn(6, 3)


def dropping() -> Problem:
    """Return a network in training mode with dropout."""
    net = nn.Sequential(_mlp(3, 4, 4), nn.Dropout(0.5)).double()
    loss = make_loss(net, nn.MSELoss())
    return loss, dict(net.named_parameters()), (drawn(6, 3), drawn(6, 4))


def running() -> Problem:
    """Return a network in training mode with running statistics."""
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).double()
    loss = make_loss(net, nn.MSELoss())
    return loss, dict(net.named_parameters()), (drawn(6, 3), drawn(6, 4))


TORCHS = {
    "MLP, conditioned by row": conditioned("row"),
    "MLP, conditioned by column": conditioned("column"),
    "MLP, conditioned by row and column": conditioned("row_column"),
    "MLP, conditioned by row with a gain": conditioned("row", gain="row"),
    "PINN": pinn,
    "PINN, by torch.func": pinn_of_func,
    "critic with a gradient penalty": gradient_penalty,
    "neural ODE": neural_ode,
    "variational autoencoder": vae,
    "normalising flow": flow,
    "Fourier neural operator": fourier,
    "mixture of experts": mixture,
    "deep equilibrium network": equilibrium,
    "weight-normalised": normed("weight"),
    "weight-normalised, by hooks": normed("legacy"),
    "weight-normalised GRU": normed_gru,
    "spectrally normalised": normed("spectral"),
    "orthogonal, Cayley": normed("cayley"),
    "orthogonal, exponential": normed("matrix_exp"),
}
REFUSED = {
    "checkpointed, reentrant": (checkpointed(reentrant=True), "of the loss"),
    "checkpointed": (checkpointed(reentrant=False), "checkpointing off"),
    "straight-through rounding": (straight_through, "differences of the loss"),
    "stopped gradient": (stopped, "differences of the loss"),
    "dropout in training mode": (dropping, "call module.eval"),
    "running statistics in training mode": (running, "call module.eval"),
}
ROWS = (
    *(Row("network", name, make) for name, make in TORCHS.items()),
    *(Row("network", n, make, refused=why) for n, (make, why) in REFUSED.items()),
    Row(
        "network", "neural ODE, solved", solved_ode(adjoint=False), needs="torchdiffeq"
    ),
    Row(
        "network",
        "neural ODE, solved by its adjoint",
        solved_ode(adjoint=True),
        refused="while it is differentiated",
        needs="torchdiffeq",
    ),
    *(Row("network", n, from_configuration(n), needs="transformers") for n in FAMILIES),
    Row("network", "OPT", from_configuration("OPT"), kinked=True, needs="transformers"),
    *(
        Row("network", n, from_configuration(n), single=True, needs="transformers")
        for n in SINGLE
    ),
    *(Row("graph network", n, graph(n), needs=GEOMETRIC) for n in GRAPHS),
    Row("graph network", "GATv2Conv", graph("GATv2Conv"), kinked=True, needs=GEOMETRIC),
)
