"""Effective weights: read them, or bake them in for inference."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from condlab.nn._measured import measured, overridden
from condlab.nn.layout import Kinds
from condlab.nn.maps.parametrization import take_class
from condlab.nn.selection import Site, layer_modules, maps_of, sites


def effective_weights(
    module: nn.Module, *, kinds: Kinds | None = None
) -> dict[str, Tensor]:
    """Return the matrix that each layer multiplies with, conditioned or not.

    Parameters
    ----------
    module : torch.nn.Module
        A network or a layer.
    kinds : mapping of classes, optional
        As of `condition`; weights that are conditioned already are known without.

    Returns
    -------
    dict of str to Tensor
        Rows are outputs. Keys are layer names; "q", "k" and "v" follow the name of a
        layer that packs them; the tensor's name follows where a layer has several. A
        grouped layer gives its groups' matrices below each other, shape
        (outputs, inputs of a group): as an operator it is block diagonal. A stack
        gives each of its matrices, by number. Detached.

    Notes
    -----
    Where a subclass of a linear, convolutional or embedding layer has a forward pass
    of its own, the matrix is measured from what it does to inputs; a layer that wants
    other arguments, or is no affine map, has none.

    Examples
    --------
    >>> {name: tuple(W.shape) for name, W in effective_weights(
    ...     nn.Sequential(nn.Conv2d(3, 8, 5), nn.MultiheadAttention(4, 2))).items()}
    {'0': (8, 75), '1.q': (4, 4), '1.k': (4, 4), '1.v': (4, 4), '1.out_proj': (4, 4)}
    """
    weights: dict[str, Tensor] = {}
    with torch.no_grad():
        for site in sites(module, kinds):
            if nn.parameter.is_lazy(site.raw):
                continue
            W = _applied(site)
            if W is not None:
                weights.update(_named_matrices(site, W))
    return weights


def _applied(site: Site) -> Tensor | None:
    """Return the weight that the layer multiplies with, or None if that is unknown."""
    W = site.weight.detach()
    if site.tensor != "weight" or not overridden(site.module):
        return W
    found = measured(site.module)
    if found is not None:
        return found.to(W)
    return W if site.stated or isinstance(site.module, nn.Embedding) else None


def _named_matrices(site: Site, W: Tensor) -> dict[str, Tensor]:
    if site.layout.blocks:
        names = [f"{site.layer}.{b}".lstrip(".") for b in site.layout.blocks]
        return dict(zip(names, site.layout.matrices(W), strict=True))
    name = site.layer if site.layer and site.tensor == "weight" else site.name
    if site.layout.stacked:
        each = site.layout.matrix(W).unflatten(0, (len(W), -1))
        return {f"{name}.{i}": M for i, M in enumerate(each)}
    return {name: site.layout.matrix(W)}


def fold(module: nn.Module) -> nn.Module:
    """Store the effective weights, so that inference costs what a plain network's does.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place: every parametrization is removed, whoever registered it, and
        its present value becomes the weight. Tied weights stay tied.

    Returns
    -------
    torch.nn.Module
        `module` itself, with the ``state_dict`` keys of the plain network.

    Raises
    ------
    ValueError
        If layers share a stored weight but not its effective value, as after
        parametrizing only one of them by hand.

    Examples
    --------
    >>> from condlab.nn import condition
    >>> layer = fold(condition(nn.Linear(3, 2)))
    >>> sorted(layer.state_dict()), layer.weight.norm(dim=1).round().tolist()
    (['bias', 'weight'], [1.0, 1.0])
    """
    places = [
        (f"{name}.{tensor}", layer, tensor)
        for name, layer in layer_modules(module)
        for tensor in getattr(layer, "parametrizations", {})
    ]
    with torch.no_grad():
        values = [getattr(layer, tensor).clone() for _, layer, tensor in places]
    owners: dict[int, int] = {}  # a stored tensor -> the first place that stores it
    plain = _plain_owners(module)
    for i, (name, layer, tensor) in enumerate(places):
        stored = maps_of(layer, tensor)
        if not stored.is_tensor:
            continue
        first = owners.setdefault(id(stored.original), i)
        if not torch.equal(values[first], values[i]) or id(stored.original) in plain:
            other = plain.get(id(stored.original), places[first][0])
            raise ValueError(
                f"{name} and {other} share a stored weight but not its effective "
                "value; untie them first"
            )
    for (_, layer, tensor), value in zip(places, values, strict=True):
        _store(layer, tensor, value)
    return module


def _plain_owners(module: nn.Module) -> dict[int, str]:
    """Return the names of parameters that layers read as they are."""
    return {
        id(value): f"{name}.{tensor}"
        for name, layer in layer_modules(module)
        for tensor, value in layer.named_parameters(recurse=False)
    }


def _store(layer: nn.Module, tensor: str, value: Tensor) -> None:
    stored = maps_of(layer, tensor)
    same = stored.is_tensor and stored.original.shape == value.shape
    take_class(layer)
    parametrize.remove_parametrizations(layer, tensor, leave_parametrized=not same)
    if same:  # the parameter stays the same object, also for others tied to it
        with torch.no_grad():
            getattr(layer, tensor).copy_(value)
