"""Weight conditioning: layers that multiply with an equilibrated weight."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from condlab.nn._parametrization import EffectiveWeight, register, take_class
from condlab.nn._unit import unit_lines
from condlab.nn.layout import Layout
from condlab.nn.selection import Layers, Site, chain, choose, layer_modules

Method = Literal["row", "column", "row_column", "jacobi", "ruiz"]
Gain = Literal["row", "scalar"]


def condition(
    module: nn.Module,
    method: Method = "row",
    *,
    layers: Layers = "all",
    frozen: bool = False,
    every: int | None = 1,
    gain: bool | Gain = False,
    sweeps: int = 5,
) -> nn.Module:
    """Let layers multiply with diag(left) W diag(right) where they stored W.

    The stored weight W is what trains; the effective weight is computed from it by
    ``torch.nn.utils.parametrize``. See `fold` for inference, `describe` for what was
    done, `uncondition` for the way back.

    Parameters
    ----------
    module : torch.nn.Module
        A network or a layer; changed in place. Its parameters stay the same objects,
        so an optimiser that holds them goes on working.
    method : {"row", "column", "row_column", "jacobi", "ruiz"}
        Rows are outputs; of a convolution they are filters, and columns are pairs of
        an input channel and a kernel position. "row" and "column" give unit 2-norms;
        "row_column" does the rows, then the columns of what that gives; "jacobi"
        divides each row by its diagonal entry, where the matrix is square; "ruiz"
        divides rows and columns `sweeps` times by the roots of their peaks. Groups,
        gates, and attention's packed q, k and v (also those of a linear layer called
        qkv) are matrices of their own.
    layers : str, iterable of str, or callable
        A preset ("all", "first-conv-last-linear", "convolutions",
        "mlp-and-attention"), glob patterns of layer names, or a predicate of name and
        layer. Tied weights are chosen together and stay tied.
    frozen : bool
        True takes the scaling for a constant: the gradient does not see that it
        depends on W, so another function is differentiated than is evaluated.
    every : int or None
        With `frozen`, the scaling is computed anew in training after so many
        optimiser steps; None keeps that of this moment for good. 1 needs no memory;
        otherwise the scaling is saved in the ``state_dict``.
    gain : bool or {"row", "scalar"}
        Learn a factor for each output (True means "row"), or one for the layer. It
        starts at one. The source has none.
    sweeps : int
        Of "ruiz".

    Returns
    -------
    torch.nn.Module
        `module` itself.

    Raises
    ------
    ValueError
        If an option is not of its list, no layer is chosen, or a chosen layer is
        conditioned already.

    Notes
    -----
    A line of zeros, and for "jacobi" a row with diagonal entry zero, is left alone.
    In eval mode, or where nothing needs a gradient, an effective weight is computed
    once and kept until its parameter changes. Torch does not see writes through
    ``.data``: call ``eval()`` or ``train()`` after them. Where a weight is read
    several times in a training step, as by recurrent layers, wrap the step in
    ``torch.nn.utils.parametrize.cached()``. A training step holds one more copy of the
    weights. The names in the ``state_dict`` change: load plain weights before, or
    save them after `fold`. With `every` above 1, ``torch.compile`` breaks the graph.

    References
    ----------
    .. [1] H. Saratchandran, T. X. Wang and S. Lucey, "Weight conditioning for smooth
       optimization of neural networks", ECCV 2024, Section 5.
    .. [2] A. van der Sluis, "Condition numbers and equilibration of matrices",
       Numerische Mathematik 14, 1969.

    Examples
    --------
    >>> layer = nn.Linear(2, 2, bias=False)
    >>> layer.weight.data = torch.tensor([[3.0, 4.0], [0.0, 0.5]])
    >>> condition(layer)(torch.eye(2)).T
    tensor([[0.6000, 0.8000],
            [0.0000, 1.0000]], grad_fn=<...>)
    """
    _check_options(method, frozen, every, sweeps)
    kind = "row" if gain is True else gain
    if kind and kind not in get_args(Gain):
        raise ValueError(f'gain must be False, True, "row" or "scalar", got {gain!r}')
    chosen = choose(module, layers)
    if method == "jacobi":
        chosen = _square(chosen)
    for site in chosen:
        if conditioning_of(site) is not None:
            raise ValueError(
                f"{site.name} is conditioned already; uncondition it first"
            )

    def make(W: Tensor, layout: Layout) -> Conditioning:
        return Conditioning(
            W,
            layout,
            method=method,
            frozen=frozen,
            every=every,
            gain=kind or None,
            sweeps=sweeps,
        )

    register(chosen, make)
    return module


def uncondition(module: nn.Module) -> nn.Module:
    """Give layers their stored weights back, and forget gains and frozen scalings.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place. Parametrizations of other makers stay; in the place of
        torch's own weight normalisations `fold` leaves plain weights.

    Returns
    -------
    torch.nn.Module
        `module` itself.

    Examples
    --------
    >>> layer = nn.Linear(3, 2)
    >>> before = layer.weight
    >>> uncondition(condition(layer)).weight is before
    True
    """
    for _, layer in list(layer_modules(module)):
        for tensor in list(getattr(layer, "parametrizations", {})):
            _remove(layer, tensor)
    return module


def _remove(layer: nn.Module, tensor: str) -> None:
    maps = chain(layer, tensor)
    ours = [i for i, p in enumerate(maps) if isinstance(p, EffectiveWeight)]
    if len(ours) == len(maps):
        take_class(layer)
        parametrize.remove_parametrizations(layer, tensor, leave_parametrized=False)
        return
    for i in reversed(ours):
        del maps[i]


@contextlib.contextmanager
def pinned(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Keep frozen divisors as the first evaluation finds them, while the context lasts.

    A frozen scaling is a constant of the function that is differentiated, and so must
    be one in differences of it.
    """
    frozen = [m for m in modules if isinstance(m, Conditioning) and m.frozen]
    for module in frozen:
        module._pinned = []
    try:
        yield
    finally:
        for module in frozen:
            module._pinned = None


def conditioning_of(site: Site) -> Conditioning | None:
    """Return the parametrization that conditions a weight, or None."""
    maps = chain(site.module, site.tensor)
    return next((p for p in maps if isinstance(p, Conditioning)), None)


class Conditioning(EffectiveWeight):
    """The map from a stored weight to the effective one, as `condition` registers it.

    Parameters
    ----------
    W : Tensor
        The weight as it is now.
    layout : Layout
        How it is seen as matrices.
    method, frozen, every, gain, sweeps
        As of `condition`; `gain` may be None.
    """

    def __init__(
        self,
        W: Tensor,
        layout: Layout,
        *,
        method: Method = "row",
        frozen: bool = False,
        every: int | None = 1,
        gain: Gain | None = None,
        sweeps: int = 5,
    ) -> None:
        super().__init__(layout)
        self.method, self.sweeps = method, sweeps
        self.frozen, self.every = frozen, every
        ones = torch.ones(layout.row_shape(W) if gain == "row" else (), dtype=W.dtype)
        self.gain = nn.Parameter(ones.to(W.device)) if gain else None
        self._watch: tuple[weakref.ref[Tensor], int] | None = None
        self._steps = 0
        self._pinned: list[tuple[Tensor | None, Tensor | None]] | None = None
        self._stored = frozen and every != 1
        _, left, right = self._scale(W) if self._stored else (None, None, None)
        self.left: Tensor | None
        self.right: Tensor | None
        self.register_buffer("left", left)
        self.register_buffer("right", right)

    def forward(self, W: Tensor) -> Tensor:
        """Return the effective weight, of W's shape."""
        if self._stored and self.training:
            self._refresh_if_due(W)
        return super().forward(W)

    def extra_repr(self) -> str:
        """Return the options that are not at their defaults."""
        parts = [f"method={self.method!r}"]
        if self.frozen:
            parts.append(f"frozen=True, every={self.every}")
        return ", ".join(parts)

    def effective(self, W: Tensor) -> Tensor:
        """Return the effective weight, computed anew but for stored divisors."""
        B = self.layout.split(W)
        if self._stored:
            V = _divide(B, self.left, self.right)
        elif self.frozen:
            V = _divide(B, *self._divisors(W.detach()))
        else:
            V = self._scale(W)[0]
        return self.layout.merge(V if self.gain is None else V * self.gain)

    def _divisors(self, W: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Return the divisors at W, or those that are pinned."""
        if self._pinned is None:
            return self._scale(W)[1:]
        if not self._pinned:
            self._pinned.append(self._scale(W)[1:])
        return self._pinned[0]

    def _scale(self, W: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return the split weight scaled, and the divisors of rows and columns."""
        B = self.layout.split(W)
        rows, columns = self.layout.row_axes(W), self.layout.column_axes
        if self.method == "row":
            return (*self._unit_rows(W), None)
        if self.method == "column":
            V, right = unit_lines(B, columns)
            return V, None, right
        if self.method == "row_column":
            V, left = self._unit_rows(W)
            V, right = unit_lines(V, columns)
            return V, left, right
        if self.method == "jacobi":
            left = _or_one(self._diagonal(W))
            return B / left, left, None
        return _ruiz(B, rows, columns, self.sweeps)

    def _unit_rows(self, W: Tensor) -> tuple[Tensor, Tensor]:
        """Return the split weight with unit rows, and the rows' divisors."""
        split = self.layout.split
        if self.layout.output_axis == 1:
            return unit_lines(split(W), self.layout.row_axes(W))
        # Rows do not care for groups, and whole rows are what is fast.
        V, left = unit_lines(W, tuple(range(1, W.ndim)))
        return split(V), split(left)

    def _diagonal(self, W: Tensor) -> Tensor:
        """Return the diagonals of the matrices, shaped to divide the split weight."""
        diagonal = self.layout.matrices(W).diagonal(dim1=1, dim2=2)
        return diagonal.reshape(self.layout.row_shape(W))

    @torch.compiler.disable
    def _refresh_if_due(self, W: Tensor) -> None:
        """Count the optimiser's writes to W; at every k-th, scale anew.

        A tensor that is not the layer's own, as under functional_call, counts nothing.
        """
        if self.every is None or not isinstance(W, nn.Parameter):
            return
        watched, writes = self._watch or (None, 0)
        if watched is None or watched() is not W:
            self._watch = (weakref.ref(W), W._version)
            return
        if W._version == writes:
            return
        self._watch = (watched, W._version)
        self._steps += 1
        if self._steps % self.every:
            return
        with torch.no_grad():
            _, left, right = self._scale(W)
            for stored, new in ((self.left, left), (self.right, right)):
                if stored is not None and new is not None:
                    stored.copy_(new)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_watch": None}  # a copy watches its own parameter


def _ruiz(
    B: Tensor, rows: tuple[int, ...], columns: tuple[int, ...], sweeps: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Divide by the roots of row and column peaks, both of the same iterate."""
    left = right = B.new_ones([1] * B.ndim)
    V = B
    for _ in range(sweeps):
        size = V.abs()
        left = left * _or_one(size.amax(rows, keepdim=True)).sqrt()
        right = right * _or_one(size.amax(columns, keepdim=True)).sqrt()
        V = B / left / right
    return V, left, right


def _or_one(divisor: Tensor) -> Tensor:
    return torch.where(divisor == 0, 1, divisor)


def _divide(B: Tensor, left: Tensor | None, right: Tensor | None) -> Tensor:
    V = B if left is None else B / left
    return (V if right is None else V / right).to(B.dtype)


def _square(chosen: list[Site]) -> list[Site]:
    fit = [site for site in chosen if is_square(site)]
    if not fit:
        name, shape = chosen[0].name, tuple(chosen[0].raw.shape)
        raise ValueError(
            "Jacobi conditioning needs a layer whose matrices are square, got none; "
            f"{name} has shape {shape}. Use row or column, or choose other layers"
        )
    return fit


def is_square(site: Site) -> bool:
    """Tell whether each of a weight's matrices has as many rows as columns."""
    _, m, n = site.layout.matrices(site.weight.detach()).shape
    return m == n


def _check_options(method: str, frozen: bool, every: int | None, sweeps: int) -> None:
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {get_args(Method)}, got {method!r}")
    if every != 1 and not frozen:
        raise ValueError(f"every={every!r} needs frozen=True")
    if every is not None and every < 1:
        raise ValueError(f"every must be None or at least 1, got {every!r}")
    if sweeps < 1:
        raise ValueError(f"sweeps must be at least 1, got {sweeps!r}")
