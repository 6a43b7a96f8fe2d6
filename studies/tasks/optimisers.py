"""Optimisers by name: of every entry by itself, or of matrices as a whole.

Equilibration can be done to weights, to their updates, or to both: the arms do the
first, "rmnp" the second, and "muon" makes updates orthogonal instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import overload

import torch
from torch import Tensor, nn
from torch.linalg import vector_norm
from torch.nn.functional import normalize
from torch.optim.optimizer import GlobalOptimizerPostHook, StateDict
from torch.utils.hooks import RemovableHandle

from studies.tasks.arms import matrix_layers

OPTIMISERS = ("sgd", "adamw", "muon", "rmnp")
MOMENTUM = 0.95  # of Muon and RMNP, as published
RMS = 0.2  # of an entry of AdamW's updates, about: Liu et al., arXiv:2502.16982


def make_optimiser(
    name: str, net: nn.Module, lr: float, momentum: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Return the optimiser of that name for a network.

    Parameters
    ----------
    name : str
        Of `OPTIMISERS`. "muon" [1]_ and "rmnp" [2]_ are for the matrices between the
        first layer and the last, of which a kernel's row is a filter; AdamW is for all
        else.
    net : torch.nn.Module
        Plain or reparametrized: the stored matrices are what is updated.
    lr, momentum, weight_decay : float
        `momentum` is SGD's. Updates of "muon" and "rmnp" are scaled to the size of
        AdamW's, so that one rate does for all of a network; RMNP's authors have a rate
        of its own, and scale by max(1, sqrt(m / n)) for m outputs and n inputs.

    Returns
    -------
    torch.optim.Optimizer
        Its states pass a checkpoint.

    Raises
    ------
    ValueError
        If there is none of that name, or no matrix between the first and the last.

    References
    ----------
    .. [1] K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks",
       2024; torch's implementation.
    .. [2] S. Deng et al., "RMNP: row-momentum normalized preconditioning for scalable
       matrix-based optimization", arXiv:2603.20527, 2026.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    >>> made = make_optimiser("rmnp", net, 1e-3, 0.0, 0.0)
    >>> [len(group["params"]) for group in made.param_groups]
    [1, 5]
    """
    if name == "sgd":
        return torch.optim.SGD(
            net.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay
        )
    if name == "adamw":
        return torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=weight_decay)
    if name not in UPDATES:
        raise ValueError(f"optimiser must be one of {OPTIMISERS}, got {name!r}")
    matrices = _hidden_matrices(net)
    if not matrices:
        raise ValueError(
            f"{name} is for matrices between the first layer and the last, and there "
            "is none; use adamw"
        )
    known = {id(p) for p in matrices}
    rest = [p for p in net.parameters() if id(p) not in known]
    first = MatrixUpdates(matrices, name, lr=lr, weight_decay=weight_decay)
    return Together(first, torch.optim.AdamW(rest, lr=lr, weight_decay=weight_decay))


def _hidden_matrices(net: nn.Module) -> list[Tensor]:
    """Return the stored weights of all layers but the first and the last, each once."""
    found: dict[int, Tensor] = {}
    for _, layer in matrix_layers(net)[1:-1]:
        maps = getattr(layer, "parametrizations", {})
        if "weight" not in maps:
            stored = layer.weight
        elif maps["weight"].is_tensor:
            stored = maps["weight"].original
        else:  # of weight normalisation: the directions, not the lengths
            stored = maps["weight"].original1
        if stored.requires_grad:
            found[id(stored)] = stored
    return list(found.values())


def _orthogonal(matrices: list[Tensor]) -> list[Tensor]:
    """Return what torch's Muon takes off for momenta, at the rate of one."""
    at = [nn.Parameter(torch.zeros_like(G)) for G in matrices]
    for W, G in zip(at, matrices, strict=True):
        W.grad = G
    made = torch.optim.Muon(
        at, lr=1.0, weight_decay=0.0, momentum=0.0, adjust_lr_fn="match_rms_adamw"
    )
    made.step()
    return [-W.detach() for W in at]


def _unit_rows(matrices: list[Tensor]) -> list[Tensor]:
    return [RMS * math.sqrt(G.shape[1]) * normalize(G) for G in matrices]


Closure = Callable[[], float]
UPDATES = {"muon": _orthogonal, "rmnp": _unit_rows}


class MatrixUpdates(torch.optim.Optimizer):
    """W <- (1 - lr decay) W - lr U(G + mu B), with momenta B <- mu B + G.

    Parameters
    ----------
    params : list of parameters
        With two axes or more, of which all but the first are flattened into one.
    update : {"muon", "rmnp"}
        What U is.
    lr, weight_decay : float
        The decay is decoupled.
    """

    def __init__(
        self, params: list[Tensor], update: str, *, lr: float, weight_decay: float
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self.update = UPDATES[update]

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Closure) -> float: ...

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> float | None:
        """Make one step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            moved = [W for W in group["params"] if W.grad is not None]
            updates = self.update([self._momentum(W).flatten(1) for W in moved])
            for W, U in zip(moved, updates, strict=True):
                W.mul_(1 - group["lr"] * group["weight_decay"])
                W.sub_(group["lr"] * U.reshape(W.shape))
        return loss

    def _momentum(self, W: Tensor) -> Tensor:
        """Return Nesterov's, which looks one step ahead."""
        state = self.state[W]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(W)
        B = state["momentum"].mul_(MOMENTUM).add_(W.grad)
        return W.grad + MOMENTUM * B


class Together(torch.optim.Optimizer):
    """Several optimisers, each of parameters of its own, that step as one."""

    def __init__(self, *parts: torch.optim.Optimizer) -> None:
        self.parts = parts
        super().__init__([group for part in parts for group in part.param_groups], {})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Closure) -> float: ...

    def step(self, closure: Closure | None = None) -> float | None:
        """Let each of them make a step."""
        loss = None if closure is None else closure()
        for part in self.parts:
            part.step()
        return loss

    # Torch's hooks on steps are called by the parts: here they would be so twice.
    step.hooked = True  # type: ignore[attr-defined]

    def register_step_post_hook(self, hook: GlobalOptimizerPostHook) -> RemovableHandle:
        """Call a hook after the last of them has made its step."""
        last = self.parts[-1]
        return last.register_step_post_hook(lambda _, *rest: hook(self, *rest))

    def state_dict(self) -> StateDict:
        """Return the states of all of them."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take up the states of all of them."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [g for part in self.parts for g in part.param_groups]


@torch.no_grad()
def clip_gradients_(
    params: Iterable[Tensor], clipping: float, *, eps: float = 1e-3
) -> None:
    """Shorten gradients that are long beside their weights, unit by unit, in place.

    A unit is an index of the first axis of a matrix or a kernel, of which a row holds
    all that one output is made of, or the whole of what has fewer axes. Its gradient
    becomes at most `clipping` times as long as the unit, or as eps where that is more.

    Parameters
    ----------
    params : iterable of Tensor
        Those whose ``grad`` is None are passed over.
    clipping : float
        0.01 in the source, at a batch of 4096; smaller batches bear more.
    eps : float
        Without it, weights of zero would never move.

    Raises
    ------
    ValueError
        If `clipping` is not above zero.

    References
    ----------
    .. [1] A. Brock, S. De, S. L. Smith and K. Simonyan, "High-performance large-scale
       image recognition without normalization", ICML 2021, equation 3.

    Examples
    --------
    >>> W = nn.Parameter(torch.tensor([[3.0, 4.0], [3.0, 4.0]]))
    >>> W.grad = torch.tensor([[0.0, 1.0], [0.0, 0.1]])
    >>> clip_gradients_([W], 0.1)
    >>> W.grad
    tensor([[0.0000, 0.5000],
            [0.0000, 0.1000]])
    """
    if not clipping > 0:
        raise ValueError(f"clipping must be above zero, got {clipping}")
    for W in params:
        if W.grad is None:
            continue
        axes = tuple(range(1, W.ndim)) if W.ndim > 1 else tuple(range(W.ndim))
        most = clipping * vector_norm(W, dim=axes, keepdim=True).clamp(min=eps)
        found = vector_norm(W.grad, dim=axes, keepdim=True)
        long = found > most
        W.grad.mul_(torch.where(long, most / torch.where(long, found, 1), 1))


def adaptive_gradient_clipping(
    optimiser: torch.optim.Optimizer, net: nn.Module, clipping: float
) -> RemovableHandle:
    """Call `clip_gradients_` before each step, on all but the last linear layer.

    Parameters
    ----------
    optimiser : torch.optim.Optimizer
        Of the network.
    net : torch.nn.Module
        Whose last layer the source leaves alone.
    clipping : float
        As of `clip_gradients_`.

    Returns
    -------
    RemovableHandle
        Its ``remove()`` ends it.
    """
    last = {id(p) for p in matrix_layers(net)[-1][1].parameters()}
    rest = [p for p in net.parameters() if id(p) not in last]
    return optimiser.register_step_pre_hook(lambda *_: clip_gradients_(rest, clipping))
