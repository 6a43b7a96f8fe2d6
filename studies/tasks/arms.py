"""The arms of the studies: one network's raw weights, passed through one method."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypedDict

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from condlab.nn import describe, effective_weights, fold, normalise_weights

Place = Literal["chosen", "all", "last", "hidden", "convolutions"]


class Extras(TypedDict, total=False):
    """Options of methods that an arm may set."""

    affine: bool
    gain: str
    restore: bool


@dataclass(frozen=True)
class Arm:
    """What is done to the weights that the seed drew.

    Parameters
    ----------
    method : str or None
        As of `condlab.nn.normalise_weights`; None leaves the weights plain.
    place : str
        "chosen" is where the study's source conditions; "hidden" is all between the
        first and the last layer.
    options : dict
        Of the method.
    folded : bool
        Train a plain network from the effective weights of the start.
    glorot : bool
        Draw all matrices anew, as Glorot and Bengio (2010) do.
    """

    method: str | None = None
    place: Place = "chosen"
    options: Extras = field(default_factory=Extras)
    folded: bool = False
    glorot: bool = False


NO_EPS = 1e-30  # of a batch norm: only without eps is its identity exact

RUNNING = ("track_running_stats", "running_mean", "running_var", "num_batches_tracked")
ARMS = MappingProxyType({
    "plain": Arm(),
    "glorot": Arm(glorot=True),
    "WS": Arm("standardize", "convolutions"),
    "MO": Arm("center", "convolutions"),
    "DO": Arm("divide", "convolutions"),
    "AF": Arm("standardize", "convolutions", options={"affine": True}),
    "WN": Arm("weight_norm", "all"),
    "E": Arm("row"),
    "E_all": Arm("row", "all"),
    "E_last": Arm("row", "last"),
    "E_hidden": Arm("row", "hidden"),
    "E_gain": Arm("row", options={"gain": "scalar"}),
    "rowcol": Arm("row_column"),
    "init_E": Arm("row", folded=True),
    "spectral": Arm("spectral"),
    "orthogonal": Arm("orthogonal_weight_norm"),
    "PC": Arm("polynomial"),
    "PC_gain": Arm("polynomial", options={"gain": "scalar", "restore": True}),
})  # fmt: skip


def build(
    name: str,
    net: nn.Module,
    chosen: Iterable[str] = (),
) -> nn.Module:
    """Return the network of an arm, changed in place.

    Parameters
    ----------
    name : str
        Of `ARMS`.
    net : torch.nn.Module
        As the seed drew it. Matrices of zeros, which several methods cannot scale,
        are drawn from N(0, 0.02^2) in every arm.
    chosen : iterable of str
        Layers that the source conditions; none means all.

    Raises
    ------
    ValueError
        If there is no arm of that name.
    """
    if name not in ARMS:
        raise ValueError(f"the arms are {', '.join(ARMS)}; got {name!r}")
    arm = ARMS[name]
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim == 2 and not parameter.any():
                parameter.normal_(std=0.02)
    if arm.glorot:
        for _, layer in matrix_layers(net):
            nn.init.xavier_uniform_(layer.weight)
    if arm.method is None:
        return net
    layers = places(net, arm.place, tuple(chosen))
    normalise_weights(net, arm.method, layers=layers, **arm.options)
    return fold(net) if arm.folded else net


def places(net: nn.Module, place: Place, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the layers at a place."""
    names = [name for name, _ in matrix_layers(net)]
    convolutions = [n for n, m in matrix_layers(net) if isinstance(m, nn.Conv2d)]
    by_place = {
        "chosen": chosen or tuple(names),
        "all": tuple(names),
        "last": tuple(names[-1:]),
        "hidden": tuple(names[1:-1]),
        "convolutions": tuple(convolutions or names[:-1]),
    }
    return by_place[place]


def matrix_layers(net: nn.Module) -> list[tuple[str, nn.Conv2d | nn.Linear]]:
    """Return convolutions and linear layers by name, from the first to the last."""
    named = net.named_modules()
    return [(n, m) for n, m in named if isinstance(m, nn.Conv2d | nn.Linear)]


def laid_out(net: nn.Module, layout: torch.memory_format) -> nn.Module:
    """Return the network, its tensors of four axes in that order in memory."""
    moved: Any = net  # torch's annotations leave memory_format out
    return moved.to(memory_format=layout)


def raw_weights(net: nn.Module) -> dict[str, torch.Tensor]:
    """Return the matrices as they are stored, by layer.

    Weight normalisation stores directions and lengths; these are the directions, at
    the length at which they are stored.
    """
    twin = fold(copy.deepcopy(net))
    with torch.no_grad():
        for name, layer in net.named_modules():
            for tensor, maps in getattr(layer, "parametrizations", {}).items():
                stored = maps.original if maps.is_tensor else maps.original1
                getattr(twin.get_submodule(name), tensor).copy_(stored)
    return effective_weights(twin)


@contextmanager
def batch_statistics(net: nn.Module) -> Iterator[nn.Module]:
    """Let batch norms use the batch's statistics, as in training, and write none.

    It is the function that training differentiates, and it does not change.
    """
    norms = [m for m in net.modules() if isinstance(m, _BatchNorm)]
    kept = [[getattr(norm, name) for name in RUNNING] for norm in norms]
    training = net.training
    net.eval()
    try:
        for norm in norms:
            norm.track_running_stats = False
            norm.running_mean = norm.running_var = norm.num_batches_tracked = None
        yield net
    finally:
        for norm, values in zip(norms, kept, strict=True):
            for name, value in zip(RUNNING, values, strict=True):
                setattr(norm, name, value)
        net.train(training)


def check_identities(net: nn.Module, inputs: torch.Tensor) -> dict[str, float]:
    """Assert what the controls rest on, and return how closely it holds.

    Row equilibration of layers that a batch norm follows changes neither the function
    nor its gradient; spectral normalisation leaves every condition number alone; an
    orthogonal weight's is one.

    Parameters
    ----------
    net : torch.nn.Module
        Plain; not changed.
    inputs : Tensor
        A batch.

    Raises
    ------
    AssertionError
        If one of these does not hold.
    """
    net = copy.deepcopy(net).double()
    for norm in net.modules():
        if isinstance(norm, _BatchNorm):
            norm.eps = NO_EPS
    found = {"equilibrated": _absorbed(net, inputs.double())}
    # Double rounding, amplified by normalisations in a row: far below any effect.
    assert found["equilibrated"] < 1e-7, found
    found["spectral"] = _kappa_change(net)
    assert found["spectral"] < 1e-6, found
    orthogonal = normalise_weights(copy.deepcopy(net), "orthogonal_weight_norm")
    kappas = [_kappa(W) for W in effective_weights(orthogonal).values()]
    found["orthogonal"] = max(kappas) - 1
    assert found["orthogonal"] < 1e-6, found
    return found


def _absorbed(net: nn.Module, inputs: torch.Tensor) -> float:
    """Return the largest relative change of outputs and gradients by such an E."""
    twin = normalise_weights(copy.deepcopy(net), "row")
    names = [w.name.removesuffix(".weight") for w in describe(twin).absorbed]
    if not names:
        return 0.0
    twin = normalise_weights(copy.deepcopy(net), "row", layers=names)
    with batch_statistics(net), batch_statistics(twin):
        first, second = net(inputs), twin(inputs)
    changes = [_relative(first, second)]
    slopes = [_slopes(n, out) for n, out in ((net, first), (twin, second))]
    scale = max(float(g.norm()) for g in slopes[0].values())
    for name, gradient in slopes[0].items():
        difference = float((gradient - slopes[1][name]).norm())
        changes.append(difference / scale)
    return max(changes)


def _slopes(net: nn.Module, outputs: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the gradient of one function of the outputs, by the plain names."""
    outputs.logsumexp(dim=-1).sum().backward()
    return {
        name.replace("parametrizations.", "").removesuffix(".original"): p.grad
        for name, p in net.named_parameters()
        if p.grad is not None
    }


def _relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).detach().norm() / a.detach().norm())


def _kappa_change(net: nn.Module) -> float:
    spectral = normalise_weights(copy.deepcopy(net), "spectral").eval()
    before, after = effective_weights(net), effective_weights(spectral)
    ratios = [_kappa(after[name]) / _kappa(before[name]) for name in before]
    return max(abs(ratio - 1) for ratio in ratios)


def _kappa(W: torch.Tensor) -> float:
    values = torch.linalg.svdvals(W)
    return float(values[0] / values[-1])
