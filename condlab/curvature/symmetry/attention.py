"""Motions of an attention layer's parameters that its outputs do not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from condlab.curvature.symmetry.invariances import Invariance, stored
from condlab.curvature.symmetry.motions import STILL, Mix, Shift


def attention(
    params: Mapping[str, Tensor], prefix: str, *, heads: int
) -> tuple[Invariance, ...]:
    """Return the invariances of a ``torch.nn.MultiheadAttention``.

    Parameters
    ----------
    params : dict of str to Tensor
        The parameters.
    prefix : str
        The module's name, without the last dot; "" where it is the whole network.
    heads : int
        Its number of heads.

    Returns
    -------
    tuple of Invariance
        Of plain weights, queries against keys and values against outputs, d^2 motions
        a head of dimension d each: a weight that is conditioned or normalised does not
        follow them. The key bias where there is one, which softmax does not see; where
        a key is appended to all others, it moves along.

    Raises
    ------
    ValueError
        If no parameter is that of an attention layer of this name.

    Examples
    --------
    >>> layer = torch.nn.MultiheadAttention(4, 2)
    >>> [(i.source, i.size) for i in attention(
    ...     dict(layer.named_parameters()), "", heads=2)]
    [('query-key', 8), ('value-output', 8), ('key bias', 4)]
    """
    parts = _Attention.of(params, prefix)
    q, k, v = (slice(i * parts.width, (i + 1) * parts.width) for i in range(3))
    size = parts.width**2 // heads
    found = []
    if parts.packed or {"q", "k"} <= set(parts.apart):
        queries = [Mix(n, heads, rows) for n, rows in parts.rows("q", q)]
        keys = [Mix(n, heads, rows, inverse=True) for n, rows in parts.rows("k", k)]
        found.append(Invariance("query-key", size, (*queries, *keys)))
    if parts.out and (parts.packed or "v" in parts.apart):
        values = [Mix(n, heads, rows) for n, rows in parts.rows("v", v)]
        out = Mix(parts.out, heads, None)
        found.append(Invariance("value-output", size, (*values, out)))
    if parts.bias:
        numbers = torch.full((3 * parts.width,), STILL)
        numbers[k] = torch.arange(parts.width)
        terms = [Shift(parts.bias, numbers)]
        if "k" in parts.appended:
            key = torch.arange(parts.width).view(1, 1, -1)
            terms.append(Shift(parts.appended["k"], key))
        found.append(Invariance("key bias", parts.width, tuple(terms)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Attention:
    """The plain parameters of an attention layer by name, "" where there is none."""

    width: int
    packed: str  # queries, keys and values together
    apart: dict[str, str]
    bias: str
    appended: dict[str, str]  # to keys and values
    out: str

    @classmethod
    def of(cls, params: Mapping[str, Tensor], prefix: str) -> _Attention:
        dot = f"{prefix}." if prefix else ""

        def plain(name: str) -> str:
            return dot + name if dot + name in params else ""

        return cls(
            _width(params, dot),
            plain("in_proj_weight"),
            {x: n for x in "qkv" if (n := plain(f"{x}_proj_weight"))},
            plain("in_proj_bias"),
            {x: n for x in "kv" if (n := plain(f"bias_{x}"))},
            plain("out_proj.weight"),
        )

    def rows(self, which: str, third: slice) -> list[tuple[str, slice]]:
        """Return which rows of which parameters are queries, keys or values."""
        whole = slice(0, self.width)
        found = [(self.packed, third)] if self.packed else [(self.apart[which], whole)]
        if self.bias:
            found.append((self.bias, third))
        if which in self.appended:
            found.append((self.appended[which], whole))
        return found


def _width(params: Mapping[str, Tensor], dot: str) -> int:
    """Return the embedding's width, which every parameter of the layer knows."""
    parts = {"in_proj_weight": 3, "in_proj_bias": 3, "q_proj_weight": 1}
    for name, count in (parts | {"out_proj.weight": 1}).items():
        held = stored(params, dot + name)
        if held:
            return len(params[held]) // count
    raise ValueError(
        f"{dot.removesuffix('.') or 'the network'} must be an attention layer with "
        f"weights among the parameters, which are {', '.join(params)}"
    )
