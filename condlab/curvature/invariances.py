"""Motions of the parameters that leave the loss as it is, and what they make null.

A family of motions is given by its generators, affine vector fields A theta + b. If
the loss does not change along their flow, then g'(A theta + b) = 0 at every point,
and by differentiating that, H (A theta + b) = -A'g. So a shift (A = 0) is a null
direction of H everywhere, and any other motion is one where A'g vanishes, as it does
at a stationary point. Nothing here is taken on trust: `null_space.verify` asks H.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from condlab.curvature.motions import (
    STILL,
    Mix,
    Scale,
    Shift,
    Term,
    line_numbers,
)
from condlab.nn.layout import Layout


@dataclass(frozen=True, slots=True)
class Invariance:
    """A family of motions, one for each coefficient.

    Parameters
    ----------
    source : str
        What it comes from, such as "softmax shift".
    size : int
        The number of generators.
    terms : tuple
        What each does to which parameter.
    """

    source: str
    size: int
    terms: tuple[Term, ...]

    def direction(self, params: Mapping[str, Tensor], c: Tensor) -> dict[str, Tensor]:
        """Return the motion with coefficients c, shape (size,), at the parameters."""
        moved = _zeros(params)
        for term in self.terms:
            moved[term.name] += term.field(c, params[term.name])
        return moved

    def adjoint(self, gradient: Mapping[str, Tensor], c: Tensor) -> dict[str, Tensor]:
        """Return A'g for the motion with coefficients c, shape (size,)."""
        pulled = _zeros(gradient)
        for term in self.terms:
            pulled[term.name] += term.adjoint(c, gradient[term.name])
        return pulled


def _zeros(like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: torch.zeros_like(x) for name, x in like.items()}


def row_scale(
    params: Mapping[str, Tensor],
    weight: str,
    *,
    bias: str | None = None,
    layout: Layout | None = None,
    columns: bool = False,
) -> Invariance:
    """Return the scalings of each row of a weight that is normalised by rows.

    Parameters
    ----------
    params : dict of str to Tensor
        The parameters.
    weight : str
        The name of the stored weight.
    bias : str, optional
        A bias that is scaled with it, as before batch normalisation.
    layout : Layout, optional
        How the weight is a matrix; by default its first axis are the rows.
    columns : bool
        Scale columns, for a weight that is normalised by columns.

    Examples
    --------
    >>> row_scale({"w": torch.zeros(4, 3)}, "w").size
    4
    """
    numbers = line_numbers(_get(params, weight), layout, columns=columns)
    terms: tuple[Term, ...] = (Scale(weight, numbers),)
    if bias is not None:
        terms += (Scale(bias, torch.arange(len(_get(params, bias)))),)
    source = "column scale" if columns else "row scale"
    return Invariance(source, int(numbers.max()) + 1, terms)


def output_shift(
    params: Mapping[str, Tensor],
    weight: str | None,
    bias: str | None,
    *,
    source: str = "softmax shift",
) -> Invariance:
    """Return the shifts that add one function of the input to all of a layer's outputs.

    Softmax cross-entropy does not see them, nor does layer normalisation: then say so
    in `source`. There is one for each input, and one for the bias.

    Parameters
    ----------
    params : dict of str to Tensor
        The parameters.
    weight, bias : str or None
        The names of what a linear layer has, of shape (m, n) and (m,).
    source : str
        What does not see the shift.

    Examples
    --------
    >>> params = {"w": torch.zeros(4, 3), "b": torch.zeros(4)}
    >>> output_shift(params, "w", "b").size
    4
    """
    terms: list[Term] = []
    inputs = 0
    if weight is not None:
        W = _get(params, weight)
        inputs = W.shape[1]
        terms.append(Shift(weight, torch.arange(inputs).expand(W.shape)))
    if bias is not None:
        b = _get(params, bias)
        terms.append(Shift(bias, torch.full(b.shape, inputs)))
    return Invariance(source, inputs + (bias is not None), tuple(terms))


def bias_shift(params: Mapping[str, Tensor], bias: str, *, groups: int) -> Invariance:
    """Return the shifts of a bias before a normalisation that subtracts means.

    Parameters
    ----------
    params : dict of str to Tensor
        The parameters.
    bias : str
        The name of the bias, shape (m,).
    groups : int
        How many means are subtracted: m for instance normalisation (and batch
        normalisation by the batch's own means), 1 for layer normalisation, and the
        groups of group normalisation.

    Examples
    --------
    >>> bias_shift({"b": torch.zeros(6)}, "b", groups=2).terms[0].numbers
    tensor([0, 0, 0, 1, 1, 1])
    """
    m = len(_get(params, bias))
    if groups < 1 or m % groups:
        raise ValueError(f"groups must divide the {m} entries of {bias}, got {groups}")
    numbers = torch.arange(m) // (m // groups)
    return Invariance("bias before mean", groups, (Shift(bias, numbers),))


def relu_rescaling(
    params: Mapping[str, Tensor], weight: str, bias: str | None, following: str
) -> Invariance:
    """Return the scalings of each unit's input against those of its output.

    Parameters
    ----------
    params : dict of str to Tensor
        The parameters.
    weight, bias : str or None
        What a layer has before a positively homogeneous activation such as ReLU.
    following : str
        The weight of the layer that reads the activation.

    Examples
    --------
    >>> params = {"v": torch.zeros(4, 3), "w": torch.zeros(2, 4)}
    >>> relu_rescaling(params, "v", None, "w").size
    4
    """
    V, W = _get(params, weight), _get(params, following)
    if V.shape[0] != W.shape[1]:
        raise ValueError(
            f"{following} must read what {weight} gives, but reads {W.shape[1]} units "
            f"of {V.shape[0]}"
        )
    terms: tuple[Term, ...] = (
        Scale(weight, line_numbers(V)),
        Scale(following, line_numbers(W, columns=True), sign=-1),
    )
    if bias is not None:
        terms += (Scale(bias, torch.arange(len(V))),)
    return Invariance("ReLU rescaling", len(V), terms)


def attention(
    params: Mapping[str, Tensor], prefix: str, *, heads: int
) -> tuple[Invariance, ...]:
    """Return the invariances of a ``torch.nn.MultiheadAttention`` with packed weights.

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
        Queries against keys and values against outputs, d^2 motions a head of
        dimension d each; the key bias where there is one, which softmax does not see.

    Examples
    --------
    >>> layer = torch.nn.MultiheadAttention(4, 2)
    >>> [(i.source, i.size) for i in attention(
    ...     dict(layer.named_parameters()), "", heads=2)]
    [('query-key', 8), ('value-output', 8), ('key bias', 4)]
    """
    dot = f"{prefix}." if prefix else ""
    packed, out = f"{dot}in_proj_weight", f"{dot}out_proj.weight"
    width = _get(params, packed).shape[0] // 3
    q, k, v = (slice(i * width, (i + 1) * width) for i in range(3))
    bias = f"{dot}in_proj_bias"
    names = [packed, bias] if bias in params else [packed]
    size = width * width // heads
    queries = (Mix(n, heads, q) for n in names)
    keys = (Mix(n, heads, k, inverse=True) for n in names)
    values = (Mix(n, heads, v) for n in names)
    found = [
        Invariance("query-key", size, (*queries, *keys)),
        Invariance("value-output", size, (*values, Mix(out, heads, None))),
    ]
    if bias in params:
        numbers = torch.full_like(params[bias], STILL, dtype=torch.int64)
        numbers[k] = torch.arange(width)
        found.append(Invariance("key bias", width, (Shift(bias, numbers),)))
    return tuple(found)


def _get(params: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in params:
        raise ValueError(f"{name!r} is no parameter; there are {', '.join(params)}")
    return params[name]
