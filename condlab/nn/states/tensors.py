"""The weights of a network one at a time: of a module, a mapping or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import is_lazy

from condlab.nn.layout import Kinds, Layout
from condlab.nn.selection import Site, chain, sites
from condlab.nn.states._nested import named_tensors
from condlab.nn.states._quantised import quantised
from condlab.nn.states.planned import GATES, PACKED, Plan, by_columns_plan, planned

_KINDS = (
    (nn.RNNBase, "recurrent"),
    (nn.RNNCellBase, "recurrent"),
    (nn.MultiheadAttention, "attention"),
    ((nn.Embedding, nn.EmbeddingBag), "embedding"),
    (_ConvNd, "convolution"),
)

Memory = tuple[int, tuple[int, ...], tuple[int, ...]]  # address, shape and strides
EXPONENTS = ("float8_e8m0fnu", "float4_e2m1fn_x2")  # of scales, and packed codes


@dataclass(frozen=True, slots=True)
class Source:
    """Weights that are seen as matrices, and how each is read when its turn comes."""

    plans: tuple[Plan, ...]
    read: Callable[[str], Tensor]
    left_out: dict[str, str] = field(default_factory=dict)


def source_of(given: object, kinds: Kinds | None = None) -> Source:
    """Return the weights of a module, or of a mapping of names to tensors."""
    if isinstance(given, nn.Module):
        return _of_module(given, kinds)
    if isinstance(given, Mapping):
        return _of_mapping(given)
    raise TypeError(
        "layer_table needs a torch module or a state dict, a mapping of names to "
        f"tensors, got {type(given).__name__}"
    )


def _of_mapping(state: Mapping[str, Tensor]) -> Source:
    headers = getattr(state, "headers", None)
    if headers is not None:  # a file, of which nothing else has been read yet
        dtypes = getattr(state, "dtypes", {})
        codes = {n: w for n, w in quantised(dtypes).items() if n in dtypes}
        shapes = {n: h.shape for n, h in headers.items() if n not in codes}
        plans, refused = planned(shapes)
        refused |= getattr(state, "refused", {}) | codes
        return Source(tuple(plans), state.__getitem__, refused)
    state = named_tensors(state)
    codes = quantised({n: _type(v) for n, v in state.items()})
    shapes = {}
    left: dict[str, str] = {}
    seen: dict[Memory, str] = {}
    for name, value in state.items():
        if value.ndim < 2:
            continue
        why = codes.get(name) or objection(value) or _tied(name, value, seen)
        if why:
            left[name] = why
        else:
            shapes[name] = tuple(value.shape)
    plans, refused = planned(shapes)
    return Source(tuple(plans), state.__getitem__, left | refused)


def objection(value: Tensor) -> str:
    """Return why a tensor has no entries that can be measured, or nothing."""
    if is_lazy(value):
        return "has no shape before the first forward pass"
    if value.is_nested:
        return "is nested, of tensors of several shapes"
    if hasattr(value, "__tensor_flatten__"):  # of torchao, or a distributed one
        return (
            f"is a {type(value).__name__}, which keeps its entries elsewhere; use "
            ".dequantize() or .full_tensor() first"
        )
    if value.is_meta:
        return "is on the meta device, without values; load the weights first"
    if value.layout is not torch.strided:
        kind = str(value.layout).removeprefix("torch.").strip("_")
        how = "is sparse" if kind.startswith("sparse") else f"is stored as {kind}"
        return f"{how}; use .to_dense()"
    if value.is_quantized:
        return "is quantised; use .dequantize() first"
    if value.is_complex():
        return "is complex; only real weights are measured"
    if not value.is_floating_point() or _type(value) in EXPONENTS:
        kind = _type(value)
        return f"holds {kind}, which may be codes of a quantisation and not weights"
    return ""


def _type(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def _tied(name: str, value: Tensor, seen: dict[Memory, str]) -> str:
    at = value.data_ptr() or id(value)  # what is not in memory has none
    key = (at, tuple(value.shape), tuple(value.stride()))
    first = seen.setdefault(key, name) if value.numel() else name
    return f"is tied to {first}" if first != name else ""


def _of_module(module: nn.Module, kinds: Kinds | None) -> Source:
    known = {site.name: site for site in sites(module, kinds)}
    left: dict[str, str] = {}
    seen: dict[Memory, str] = {}
    plans, others = [], {}
    everything = (*module.named_parameters(), *module.named_buffers())
    codes = quantised({n: _type(v) for n, v in everything})
    for name, site in known.items():
        why = codes.get(name) or objection(site.raw) or _tied(name, site.raw, seen)
        if why:
            left[name] = why
            continue
        plan, why = _of_site(site)
        if plan is None:
            left[name] = why
        else:
            plans.append(plan)
    raw = {id(site.raw) for site in known.values()}
    for name, value in module.named_parameters():
        if id(value) in raw or "parametrizations" in name.split("."):
            continue
        if is_lazy(value) or value.ndim > 1:
            why = codes.get(name) or objection(value)
            if why:
                left[name] = why
            else:
                others[name] = value
    more, refused = planned({name: tuple(v.shape) for name, v in others.items()})

    def read(name: str) -> Tensor:
        return known[name].weight if name in known else others[name]

    return Source((*plans, *more), read, left | refused)


def _of_site(site: Site) -> tuple[Plan | None, str]:
    stored = site.weight if chain(site.module, site.tensor) else site.raw
    shape, layout = tuple(stored.shape), site.layout
    if 0 in shape:
        return None, "has no entries"
    if sum(n > 1 for n in shape) < 2:
        return None, "is a single row or column, whose kappa is 1"
    if isinstance(site.module, _ConvNd) and _has_single_rows(site.module):
        # Each group is one row, whose kappa is 1: what is left to see is how alike the
        # kernels of the channels are, as a file shows it.
        return Plan(site.name, "depthwise", Layout()), ""
    if layout == Layout(output_axis=1) and len(shape) == 2:
        return by_columns_plan(site.name, shape), ""
    kind = next((k for c, k in _KINDS if isinstance(site.module, c)), "linear")
    return Plan(site.name, kind, layout, _parts(kind, layout)), ""


def _has_single_rows(layer: _ConvNd) -> bool:
    return layer.groups > 1 and layer.out_channels == layer.groups


def _parts(kind: str, layout: Layout) -> tuple[str, ...]:
    if layout.blocks == PACKED:
        return PACKED
    if kind == "recurrent":
        return GATES.get(layout.groups, ())
    return ()


def matrices(plan: Plan, W: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Yield the matrices that a weight is made of, with their names."""
    W = W.detach()
    M = plan.layout.matrices(W.T if plan.transposed else W)
    if len(M) == 1:
        yield plan.name, M[0]
        return
    for i, A in enumerate(M):
        part = plan.parts[i] if len(plan.parts) == len(M) else i
        yield f"{plan.name}[{part}]", A
