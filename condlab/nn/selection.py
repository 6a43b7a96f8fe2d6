"""Which weights of a network are conditioned, and why the others are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

from condlab.nn._hooks import computed
from condlab.nn._measured import altered_by
from condlab.nn.layout import Kinds, Layout, layouts

Layers = str | Iterable[str] | Callable[[str, nn.Module], bool]

PACKED = Layout(groups=3, blocks=("q", "k", "v"))
PRESETS = ("all", "first-conv-last-linear", "convolutions", "mlp-and-attention")


def chain(
    module: nn.Module, tensor: str
) -> parametrize.ParametrizationList | tuple[()]:
    """Return torch's list of a tensor's parametrizations, empty where it has none."""
    return (
        maps_of(module, tensor) if parametrize.is_parametrized(module, tensor) else ()
    )


def maps_of(module: nn.Module, tensor: str) -> parametrize.ParametrizationList:
    """Return torch's list of the parametrizations of a tensor that has some."""
    maps = module.get_submodule(f"parametrizations.{tensor}")
    assert isinstance(maps, parametrize.ParametrizationList)
    return maps


@dataclass(frozen=True, slots=True)
class Site:
    """One weight: the layer's name in the network, the layer, the tensor's name.

    `stated` is whether its user, not condlab, says how it is a matrix.
    """

    layer: str
    module: nn.Module
    tensor: str
    layout: Layout
    stated: bool = False

    @property
    def name(self) -> str:
        """Return the weight's name in the network before any parametrization."""
        return f"{self.layer}.{self.tensor}" if self.layer else self.tensor

    @property
    def raw(self) -> Tensor:
        """Return the stored tensor, the one that trains, where there is just one."""
        maps = chain(self.module, self.tensor)
        if not maps:
            return self.weight
        return getattr(maps, "original" if maps.is_tensor else "original0")

    @property
    def weight(self) -> Tensor:
        """Return the weight the layer multiplies with."""
        return getattr(self.module, self.tensor)


def layer_modules(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield every module with its name, save those that compute weights."""
    for name, layer in module.named_modules():
        if "parametrizations" not in name.split("."):
            yield name, layer


def sites(module: nn.Module, kinds: Kinds | None = None) -> list[Site]:
    """Return every weight whose layout is known, whether it can be conditioned or not.

    Parameters
    ----------
    module : torch.nn.Module
        A network or a single layer.
    kinds : mapping of classes, optional
        As of `layouts`. Weights that are conditioned already are known without.

    Returns
    -------
    list of Site
        In order of registration; weights tied to each other appear at each of
        their layers.
    """
    _require_layouts(kinds)
    found = []
    for name, layer in layer_modules(module):
        stated = isinstance(layer, tuple(kinds or ()))
        known = layouts(layer, kinds)
        if _is_packed(name, layer) and not stated:
            known = {"weight": PACKED}
        for tensor, layout in (known | _conditioned(layer)).items():
            if not _holds(layer, tensor):
                if stated:
                    raise ValueError(_lacking(name, layer, tensor))
                continue
            site = Site(name, layer, tensor, layout, stated)
            if stated:
                _require_fit(site)
            found.append(site)
    return found


def _require_layouts(kinds: Kinds | None) -> None:
    for kind, given in (kinds or {}).items():
        values = given.values() if isinstance(given, Mapping) else (given,)
        fit = isinstance(kind, type) and issubclass(kind, nn.Module)
        if not fit or not all(isinstance(value, Layout) for value in values):
            raise ValueError(
                "kinds needs classes of modules and for each a Layout, or one for each "
                f"tensor's name, got {kind!r}: {given!r}"
            )


def _conditioned(layer: nn.Module) -> dict[str, Layout]:
    """Return the layouts that the maps of a layer's weights have been made with."""
    return {
        tensor: layout
        for tensor in getattr(layer, "parametrizations", {})
        for map_ in chain(layer, tensor)
        if isinstance(layout := getattr(map_, "layout", None), Layout)
    }


def _holds(layer: nn.Module, tensor: str) -> bool:
    """Tell whether a layer has a tensor, without computing it."""
    if isinstance(getattr(type(layer), tensor, None), property):
        return True
    own = {**vars(layer), **layer._buffers, **layer._parameters}
    return isinstance(own.get(tensor), Tensor)


def _lacking(name: str, layer: nn.Module, tensor: str) -> str:
    names = ", ".join(layer._parameters) or "none"
    return (
        f"kinds says that {type(layer).__name__} has a tensor {tensor!r}; layer "
        f"{name!r} has the parameters {names}. Name the one that is meant: "
        f"{{{type(layer).__name__}: {{name: Layout()}}}}"
    )


def _require_fit(site: Site) -> None:
    layout = site.layout
    if is_lazy(site.raw):
        return
    shape = tuple(site.weight.shape)
    axis = int(layout.stacked)
    if len(shape) < 2 + axis or shape[axis] % layout.groups:
        what = "a stack of matrices" if layout.stacked else "a matrix"
        raise ValueError(
            f"{site.name} has shape {shape}, which {layout} cannot see as {what} "
            f"of {layout.groups} groups; give kinds another Layout"
        )


def _is_packed(name: str, layer: nn.Module) -> bool:
    """Tell whether a layer holds queries, keys and values, as one called qkv does."""
    return (
        name.endswith("qkv")
        and isinstance(layer, nn.Linear)
        and layer.out_features == 3 * layer.in_features
    )


def objection(site: Site) -> str | None:
    """Return why a weight cannot be conditioned, or None."""
    how = computed(site.module, site.tensor)
    if how is not None:
        return how
    if is_lazy(site.raw):
        return "has no shape before the first forward pass"
    if site.raw.numel() == 0:
        return "has no entries"
    if site.raw.is_complex():
        return "is complex"
    if not site.raw.requires_grad:
        return "does not train: requires_grad is False"
    if getattr(site.module, "max_norm", None) is not None:
        return "max_norm rescales it in place"
    if getattr(site.module, "sparse", False):
        return "its gradient is sparse"
    kind = "" if site.stated else altered_by(site.module, site.tensor)
    if kind:
        return (
            f"{kind}.forward does not apply it as it is stored; "
            f"kinds={{{kind}: Layout()}} conditions what is stored"
        )
    return None


def choose(module: nn.Module, layers: Layers, kinds: Kinds | None = None) -> list[Site]:
    """Return the weights of the chosen layers that can be conditioned.

    Parameters
    ----------
    module : torch.nn.Module
        A network or a single layer.
    layers : str, iterable of str, or callable
        A preset of `PRESETS`, glob patterns of layer names such as
        ``"encoder.*.attention.*"``, or a predicate of name and layer. In the presets,
        "first-conv-last-linear" goes by order of registration, and
        "mlp-and-attention" takes the linear and attention layers inside numbered
        blocks (``blocks.3.mlp.fc1``), which leaves out patch embeddings and heads.
    kinds : mapping of classes, optional
        As of `layouts`.

    Returns
    -------
    list of Site
        Where one of several tied weights is chosen, all of them are.

    Raises
    ------
    ValueError
        If nothing is chosen, nothing that is chosen can be conditioned, or one is
        computed by a hook before each forward pass.
    """
    known = sites(module, kinds)
    wanted = _predicate(layers, known)
    chosen = [site for site in known if wanted(site.layer, site.module)]
    for site in chosen:
        how = computed(site.module, site.tensor)
        if how is not None:
            raise ValueError(f"{site.name} {how}, or choose other layers")
    fit = [site for site in chosen if objection(site) is None]
    if not fit:
        raise ValueError(_nothing(layers, known, chosen))
    tensors = {id(site.raw) for site in fit}
    fit = [site for site in known if id(site.raw) in tensors]
    for site in fit:
        _require_one_layout([s for s in fit if s.raw is site.raw])
    return fit


def _predicate(layers: Layers, known: list[Site]) -> Callable[[str, nn.Module], bool]:
    if callable(layers):
        return layers
    if layers == "all":
        return lambda _name, _layer: True
    if layers == "convolutions":
        return lambda _name, layer: isinstance(layer, _ConvNd)
    if layers == "mlp-and-attention":
        return _inside_a_numbered_block
    if layers == "first-conv-last-linear":
        convs = [s.layer for s in known if isinstance(s.module, _ConvNd)]
        linears = [s.layer for s in known if isinstance(s.module, nn.Linear)]
        ends = {*convs[:1], *linears[-1:]}
        return lambda name, _layer: name in ends
    patterns = (layers,) if isinstance(layers, str) else tuple(layers)
    return lambda name, _layer: any(fnmatchcase(name, p) for p in patterns)


def _inside_a_numbered_block(name: str, layer: nn.Module) -> bool:
    if isinstance(layer, (_ConvNd, nn.Embedding, nn.EmbeddingBag)):
        return False
    return any(part.isdigit() for part in name.split(".")[:-1])


def _require_one_layout(tied: list[Site]) -> None:
    first = tied[0]
    for other in tied[1:]:
        if other.layout != first.layout:
            raise ValueError(
                f"tied weights need the same layout, got {first.name} and "
                f"{other.name}; untie them or choose other layers"
            )


def _nothing(layers: Layers, known: list[Site], chosen: list[Site]) -> str:
    if chosen:
        site = chosen[0]
        return (
            f"none of the {len(chosen)} chosen weights can be conditioned; "
            f"{site.name} {objection(site)}"
        )
    names = ", ".join(repr(site.layer) for site in known[:5]) or "none"
    return (
        f"layers={layers!r} chooses no layer with a weight matrix; the network's are "
        f"{names}{', ...' if len(known) > 5 else ''}, and the presets "
        f"{', '.join(PRESETS)}"
    )
