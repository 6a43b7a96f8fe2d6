"""What was conditioned in a network, what was left alone, and why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.parameter import is_lazy

from condlab.nn._measured import altered_by
from condlab.nn._names import name_of
from condlab.nn._unknown import unplaced
from condlab.nn.layout import Kinds
from condlab.nn.maps.equilibrated import conditioning_of, is_square
from condlab.nn.selection import (
    Site,
    chain,
    layer_modules,
    objection,
    sites,
)


@dataclass(frozen=True, slots=True)
class Weight:
    """One parameter of a network and what became of it.

    Parameters
    ----------
    name : str
        Of the parameter, as in the plain network.
    layer : str
        Class of the layer that owns it.
    shape : tuple of int
        As stored.
    methods : tuple of str
        The normalisations it passes through, first to last; empty for a plain one.
    reason : str
        Why it is plain; empty otherwise.
    absorbed_by : str
        The batch or instance norm that the layer feeds, where its rows are scaled:
        then the scaling cannot change the function, only how it trains. Empty
        otherwise.
    altered_by : str
        The subclass whose forward pass changes the conditioned weight again, as a
        mask does, so that the matrix it multiplies with is another: see
        `effective_weights`. Empty otherwise.
    """

    name: str
    layer: str
    shape: tuple[int, ...]
    methods: tuple[str, ...]
    reason: str = ""
    absorbed_by: str = ""
    altered_by: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """The parameters of a network, as `describe` found them; prints as a table.

    Parameters
    ----------
    weights : tuple of Weight
        In order of registration.
    traced : bool
        True if `absorbed_by` is read from the traced graph, False if from the order
        in which neighbouring layers are registered, because tracing failed.
    """

    weights: tuple[Weight, ...]
    traced: bool

    @property
    def conditioned(self) -> tuple[Weight, ...]:
        """Return the weights that pass through a normalisation."""
        return tuple(w for w in self.weights if w.methods)

    @property
    def left_alone(self) -> tuple[Weight, ...]:
        """Return the plain parameters, each with its reason."""
        return tuple(w for w in self.weights if not w.methods)

    @property
    def absorbed(self) -> tuple[Weight, ...]:
        """Return the conditioned weights whose scaling the next layer undoes."""
        return tuple(w for w in self.weights if w.absorbed_by)

    def __str__(self) -> str:
        width = max((len(w.name) for w in self.weights), default=0)
        return "\n".join(f"{w.name:{width}}  {_outcome(w)}" for w in self.weights)


def describe(module: nn.Module, *, kinds: Kinds | None = None) -> Description:
    """Say what is conditioned in a network, what is not, and why.

    Parameters
    ----------
    module : torch.nn.Module
        Read, not changed; its forward pass may be traced symbolically.
    kinds : mapping of classes, optional
        As of `condition`; weights that are conditioned already are known without.

    Returns
    -------
    Description
        With one entry for each parameter of the plain network. A positive factor on
        a row is undone by a batch or instance norm behind the layer, up to the norm's
        eps and, in eval mode, only by running statistics taken since.

    Examples
    --------
    >>> from condlab.nn import condition
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 2))
    >>> print(describe(condition(net, layers="0")))
    0.weight  row, undone by 1
    0.bias    left alone: is not a matrix
    1.weight  left alone: is not a matrix
    1.bias    left alone: is not a matrix
    2.weight  left alone: was not chosen
    2.bias    left alone: is not a matrix
    """
    known = sites(module, kinds)
    jacobi = any("jacobi" in _methods(site) for site in known)
    norms, traced = _norms_behind(module)
    weights = {site.name: _known(site, norms, jacobi=jacobi) for site in known}
    for name, layer, value in unplaced(module, kinds):
        lazy = is_lazy(value)
        matrix = not lazy and value.ndim > 1
        reason = "is no weight of a known layer" if matrix else "is not a matrix"
        shape = () if lazy else tuple(value.shape)
        weights[name] = Weight(name, _class(layer), shape, (), reason)
    order = {name: i for i, (name, _) in enumerate(layer_modules(module))}
    position = {name: order[name.rpartition(".")[0]] for name in weights}
    by_layer = sorted(weights.values(), key=lambda w: position[w.name])
    return Description(tuple(by_layer), traced)


def _known(site: Site, norms: dict[str, str], *, jacobi: bool) -> Weight:
    methods = _methods(site)
    shape = () if is_lazy(site.raw) else tuple(site.weight.shape)
    reason = ""
    if not methods:
        reason = objection(site) or "was not chosen"
        if jacobi and reason == "was not chosen" and not is_square(site):
            reason = "is not square"
    rows_only = methods == ("row",) and conditioning_of(site) is not None
    absorbed_by = norms.get(site.layer, "") if rows_only else ""
    kind = _class(site.module)
    altered = altered_by(site.module, site.tensor) if methods else ""
    return Weight(site.name, kind, shape, methods, reason, absorbed_by, altered)


def _methods(site: Site) -> tuple[str, ...]:
    return tuple(name_of(map_) for map_ in chain(site.module, site.tensor))


def _class(layer: nn.Module) -> str:
    return type(layer).__name__.removeprefix("Parametrized")


def _outcome(weight: Weight) -> str:
    if not weight.methods:
        return f"left alone: {weight.reason}"
    undone = f", undone by {weight.absorbed_by}" if weight.absorbed_by else ""
    again = f", changed again by {weight.altered_by}" if weight.altered_by else ""
    return " + ".join(weight.methods) + again + undone


def _norms_behind(module: nn.Module) -> tuple[dict[str, str], bool]:
    """Return which layer feeds only which per-channel norm, and whether by tracing."""
    layers = dict(layer_modules(module))
    if not any(_is_channel_norm(layer) for layer in layers.values()):
        return {}, True
    try:
        graph = fx.symbolic_trace(module).graph
    except Exception:  # a user's forward may raise anything when it meets a proxy
        return _by_order(module), False
    behind = {}
    calls = [node for node in graph.nodes if node.op == "call_module"]
    targets = [node.target for node in calls]
    for node in calls:
        users = list(node.users)
        only = users[0] if len(users) == 1 else node
        once = targets.count(node.target) == 1
        if once and only.op == "call_module" and _is_channel_norm(layers[only.target]):
            behind[node.target] = only.target
    return behind, True


def _by_order(module: nn.Module) -> dict[str, str]:
    behind = {}
    for name, parent in layer_modules(module):
        prefix = f"{name}." if name else ""
        children = list(parent.named_children())
        for (first, _), (second, norm) in pairwise(children):
            if _is_channel_norm(norm):
                behind[prefix + first] = prefix + second
    return behind


def _is_channel_norm(layer: nn.Module) -> bool:
    return isinstance(layer, (_BatchNorm, _InstanceNorm))
