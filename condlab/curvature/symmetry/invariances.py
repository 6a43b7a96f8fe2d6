"""Motions of the parameters that leave the loss as it is, and what they make null.

A family of motions is given by its generators, affine vector fields A theta + b. If
the loss does not change along their flow, then g'(A theta + b) = 0 at every point,
and by differentiating that, H (A theta + b) = -A'g. So a shift (A = 0) is a null
direction of H everywhere, and any other motion is one where A'g vanishes, as it does
at a stationary point. Nothing here is taken on trust:
`null_space.require_invariant` asks H.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from condlab.curvature.symmetry.motions import Scale, Shift, Term, line_numbers
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
    weight, W = find(params, weight)
    numbers = line_numbers(W, layout, columns=columns)
    terms: tuple[Term, ...] = (Scale(weight, numbers),)
    if bias is not None:
        bias, b = find(params, bias)
        terms += (Scale(bias, torch.arange(len(b))),)
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
        weight, W = find(params, weight)
        inputs = W.shape[1]
        terms.append(Shift(weight, torch.arange(inputs).expand(W.shape)))
    if bias is not None:
        bias, b = find(params, bias)
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
    bias, b = find(params, bias)
    m = len(b)
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
    (weight, V), (following, W) = find(params, weight), find(params, following)
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
        terms += (Scale(find(params, bias)[0], torch.arange(len(V))),)
    return Invariance("ReLU rescaling", len(V), terms)


def find(params: Mapping[str, Tensor], name: str) -> tuple[str, Tensor]:
    """Return the name of the stored tensor of a weight, and the tensor."""
    held = stored(params, name)
    if not held:
        raise ValueError(f"{name!r} is no parameter; there are {', '.join(params)}")
    return held, params[held]


def stored(params: Mapping[str, Tensor], name: str) -> str:
    """Return what holds the entries of a weight, "" where nothing does.

    A parametrized weight has another name. Of weight normalisation it is what gives
    the direction: the other one has the lengths.
    """
    layer, dot, tensor = name.rpartition(".")
    chain = f"{layer}{dot}parametrizations.{tensor}"
    kept = (name, f"{chain}.original", f"{chain}.original1")
    hooked = (f"{name}_v", f"{name}_orig")  # torch.nn.utils.weight_norm, spectral_norm
    return next((n for n in (*kept, *hooked) if n in params), "")
