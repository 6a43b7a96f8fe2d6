"""Weight conditioning: layers that multiply with an equilibrated weight."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, get_args

from torch import nn
from torch.nn.utils import parametrize

from condlab.nn._names import one_spelling
from condlab.nn._unknown import warn_of_unknown_kinds
from condlab.nn.layout import Kinds
from condlab.nn.maps.equilibrated import (
    Conditioning,
    Gain,
    Method,
    conditioning_of,
    is_square,
    pinned,
    zero_line,
)
from condlab.nn.maps.owned import OwnedWeight
from condlab.nn.maps.parametrization import EffectiveWeight, register, take_class
from condlab.nn.maps.polynomial import Polynomial, check_polynomial
from condlab.nn.selection import Layers, Site, chain, choose, layer_modules, maps_of

Conditioner = Literal[Method, "polynomial"]

__all__ = [
    "Conditioner",
    "Conditioning",
    "Gain",
    "Method",
    "condition",
    "conditioning_of",
    "is_square",
    "pinned",
    "refresh_scalings",
    "uncondition",
    "zero_line",
]


def condition(
    module: nn.Module,
    method: Conditioner = "row",
    *,
    layers: Layers = "all",
    kinds: Kinds | None = None,
    frozen: bool = False,
    every: int | None = 1,
    gain: bool | Gain = False,
    sweeps: int = 5,
    level: int = 4,
    iterations: int = 10,
    restore: bool = False,
) -> nn.Module:
    """Let layers multiply with diag(left) W diag(right), or p(W), where they stored W.

    The stored weight W is what trains; the effective weight is computed from it by
    ``torch.nn.utils.parametrize``. See `fold` for inference, `describe` for what was
    done, `uncondition` for the way back.

    Parameters
    ----------
    module : torch.nn.Module
        A network or a layer; changed in place. Its parameters stay the same objects,
        so an optimiser that holds them goes on working.
    method : {"row", "column", "row_column", "jacobi", "ruiz", "polynomial"}
        Rows are outputs; of a convolution they are filters, and columns are pairs of
        an input channel and a kernel position. "row" and "column" give unit 2-norms;
        "row_column" does the rows, then the columns of what that gives; "jacobi"
        divides each row by its diagonal entry, where the matrix is square; "ruiz"
        divides rows and columns `sweeps` times by the roots of their peaks;
        "polynomial" takes each singular value σ to p(σ / σ_1), p odd, as the PC layer
        does [3]_. Groups, gates, and attention's packed q, k and v (also those of a
        linear layer called qkv) are matrices of their own.
    layers : str, iterable of str, or callable
        A preset ("all", "first-conv-last-linear", "convolutions",
        "mlp-and-attention"), glob patterns of layer names, or a predicate of name and
        layer. Tied weights are chosen together and stay tied.
    kinds : mapping of classes, optional
        Layers of further kinds, and what their weights are: ``{MyLinear: Layout()}``
        for a ``weight`` of shape (outputs, inputs), ``{Experts: {"up":
        Layout(stacked=True)}}`` for a stack of them; see `layouts`. Also for
        subclasses of torch's layers that change the weight in their forward pass,
        which are left alone otherwise: of them the stored weight is conditioned.
    frozen : bool
        True takes the scaling for a constant: the gradient does not see that it
        depends on W, so another function is differentiated than is evaluated.
    every : int or None
        With `frozen`, the scaling is computed anew after so many optimiser steps;
        None keeps that of this moment for good. 1 needs no memory; otherwise the
        scaling is saved in the ``state_dict``. A step is one ``step()`` of a
        ``torch.optim.Optimizer`` that holds the stored weight, with a gradient: a
        forward pass, an accumulated gradient, another network's optimiser, and writes
        by ``load_state_dict``, averaging or a broadcast are none. Where something else
        moves the weight, call `refresh_scalings`.
    gain : bool or {"row", "scalar"}
        Learn a factor for each output (True means "row"), or one for the layer. It
        starts at one. Of [1]_ there is none; that of [3]_ is "scalar".
    sweeps : int
        Of "ruiz".
    level : {1, 2, 3, 4}
        Of "polynomial": p has degree 3, 5, 7 or 9 and lifts what is small 1.507, 2.083,
        2.909 or 3.625 times, so that kappa falls by no more. None ever raises it.
    iterations : int
        Of "polynomial": power iterations for σ_1 after each step, as `every` has it.
    restore : bool
        Of "polynomial": multiply by σ_1 again, taken for a constant, as the published
        configurations of [3]_ do.

    Returns
    -------
    torch.nn.Module
        `module` itself.

    Raises
    ------
    ValueError
        If an option is not of its list, no layer is chosen, or a chosen layer is
        conditioned already, or computed before each forward pass by torch's older
        hooks; then nothing has been changed.

    Warns
    -----
    UserWarning
        If "all" layers are wanted and what looks like the weight of a layer of unknown
        kind stays plain.

    Notes
    -----
    A line of zeros, and for "jacobi" a row with diagonal entry zero, is left alone.
    In eval mode, or where nothing needs a gradient, an effective weight is computed
    once and kept until its parameter changes. Torch does not see writes through
    ``.data``: call ``eval()`` or ``train()`` after them. Where a weight is read
    several times in a training step, as by recurrent layers, wrap the step in
    ``torch.nn.utils.parametrize.cached()``. Backward computes an effective weight
    again where that is little beside the layer's work, so that a training step does
    not hold one more copy of the weights; as with a plain layer, backward raises if
    the stored weight was written to since. Of small batches, under transforms,
    compilers and others' ``saved_tensors_hooks``, and of "polynomial", it is held. The
    names in the ``state_dict`` change: load plain weights before, or save them after
    `fold`.

    References
    ----------
    .. [1] H. Saratchandran, T. X. Wang and S. Lucey, "Weight conditioning for smooth
       optimization of neural networks", ECCV 2024, Section 5.
    .. [2] A. van der Sluis, "Condition numbers and equilibration of matrices",
       Numerische Mathematik 14, 1969.
    .. [3] S. Wang et al., "PC layer: polynomial weight preconditioning for improving
       LLM pre-training", arXiv:2606.06470, 2026; coefficients of the published code.

    Examples
    --------
    >>> import torch
    >>> layer = nn.Linear(2, 2, bias=False)
    >>> layer.weight.data = torch.tensor([[3.0, 4.0], [0.0, 0.5]])
    >>> condition(layer)(torch.eye(2)).T
    tensor([[0.6000, 0.8000],
            [0.0000, 1.0000]], grad_fn=<...>)
    """
    method = one_spelling(method)  # type: ignore[assignment]
    _check_options(method, frozen, every, sweeps)
    kind = _gain(method, gain)
    chosen = choose(module, layers, kinds)
    if method == "jacobi":
        chosen = _square(chosen)
    for site in chosen:
        if _owned(site) is not None:
            raise ValueError(
                f"{site.name} is conditioned already; uncondition it first"
            )
    make: Callable[..., OwnedWeight]
    if method == "polynomial":
        check_polynomial(level, iterations, every)
        make = partial(Polynomial, restore=restore, level=level, iterations=iterations)
    else:
        make = partial(Conditioning, method=method, every=every, sweeps=sweeps)
    if layers == "all":
        warn_of_unknown_kinds(module, kinds)
    register(chosen, partial(make, frozen=frozen, gain=kind))
    for site in chosen:
        made = _owned(site)
        if made is not None:
            made.belong_to(maps_of(site.module, site.tensor))
    return module


def _owned(site: Site) -> OwnedWeight | None:
    maps = chain(site.module, site.tensor)
    return next((p for p in maps if isinstance(p, OwnedWeight)), None)


def refresh_scalings(module: nn.Module) -> nn.Module:
    """Compute frozen scalings, and norms, of a network anew from its weights.

    For training loops whose steps are not those of a ``torch.optim.Optimizer`` that
    holds the weights, and for after loading plain weights.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place where it is conditioned by "polynomial", or with
        ``frozen=True`` and `every` other than 1.

    Returns
    -------
    torch.nn.Module
        `module` itself.

    Examples
    --------
    >>> layer = condition(nn.Linear(3, 2), frozen=True, every=None)
    >>> _ = layer.parametrizations.weight.original.data.mul_(7)
    >>> refresh_scalings(layer).weight.norm(dim=1).round().tolist()
    [1.0, 1.0]
    """
    for part in module.modules():
        if isinstance(part, OwnedWeight):
            part.refresh()
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
    maps = maps_of(layer, tensor)
    ours = [i for i, p in enumerate(maps) if isinstance(p, EffectiveWeight)]
    if len(ours) == len(maps):
        take_class(layer)
        parametrize.remove_parametrizations(layer, tensor, leave_parametrized=False)
        return
    for i in reversed(ours):
        del maps[i]


def _square(chosen: list[Site]) -> list[Site]:
    fit = [site for site in chosen if is_square(site)]
    if not fit:
        name, shape = chosen[0].name, tuple(chosen[0].raw.shape)
        raise ValueError(
            "Jacobi conditioning needs a layer whose matrices are square, got none; "
            f"{name} has shape {shape}. Use row or column, or choose other layers"
        )
    return fit


def _check_options(method: str, frozen: bool, every: int | None, sweeps: int) -> None:
    methods = get_args(Conditioner)
    if method not in methods:
        raise ValueError(f"method must be one of {methods}, got {method!r}")
    if every != 1 and not frozen:
        raise ValueError(f"every={every!r} needs frozen=True")
    if every is not None and every < 1:
        raise ValueError(f"every must be None or at least 1, got {every!r}")
    if sweeps < 1:
        raise ValueError(f"sweeps must be at least 1, got {sweeps!r}")


def _gain(method: str, gain: bool | Gain) -> Gain | None:
    if isinstance(gain, bool):
        usual: Gain = "scalar" if method == "polynomial" else "row"
        return usual if gain else None
    if gain not in get_args(Gain):
        raise ValueError(f'gain must be False, True, "row" or "scalar", got {gain!r}')
    return gain
