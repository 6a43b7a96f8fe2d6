"""Shifts of a network's parameters that its loss may not see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from condlab.curvature.symmetry._calls import Calls
from condlab.curvature.symmetry.attention import attention
from condlab.curvature.symmetry.invariances import Invariance, bias_shift
from condlab.curvature.symmetry.motions import STILL, Shift, line_numbers, numbered
from condlab.nn._unknown import unplaced
from condlab.nn.conditioning import conditioning_of
from condlab.nn.selection import Site, chain, layer_modules, sites

KEYS = ("k", "key", "qkv", "query_key_value", "c_attn", "in_proj")
IDLE = "no effect"
ALWAYS = ("softmax shift", "key bias")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A shift, and the layer whose parameters it moves."""

    layer: str
    shift: Invariance

    @property
    def rank(self) -> tuple[bool, int]:
        """Return what is tried first: the few directions that most networks have."""
        return self.shift.source not in ALWAYS, self.shift.size


@dataclass(frozen=True, slots=True)
class Candidates:
    """What may be null: it follows from layers, calls and entries without gradient.

    Parameters
    ----------
    params : dict of str to Tensor
        Those that are moved, detached.
    names : dict of int to str
        Their names by the identity of the module's own tensors.
    calls : Calls
        Of the layers.
    flat : dict of str to Tensor
        Which entries have no gradient, up to rounding.
    """

    params: dict[str, Tensor]
    names: dict[int, str]
    calls: Calls
    flat: dict[str, Tensor]

    def of(self, module: nn.Module) -> Iterator[Candidate]:
        """Yield the candidates of a network."""
        for site in sites(module):
            yield from self._of_weight(site)
        for name, layer in layer_modules(module):
            yield from self._of_biases(name, layer)
        for place, _, value in unplaced(module):
            stored = self.names.get(id(value), "")
            if stored and value.ndim > 1:
                numbers = numbered(value.shape, (value.ndim - 1,))
                owner = place.rpartition(".")[0]
                yield _candidate(owner, "layer norm shift", stored, numbers)

    def _of_weight(self, site: Site) -> Iterator[Candidate]:
        """Yield shifts by which all outputs of a layer move alike."""
        source = self.calls.what_follows(site.layer)
        bias = self.names.get(id(getattr(site.module, "bias", None)), "")
        norm = self.calls.norms.get(site.layer)
        if bias and (norm is None or isinstance(norm, nn.LayerNorm)):
            numbers = torch.zeros_like(self.params[bias], dtype=torch.int64)
            yield _candidate(site.layer, source, bias, numbers)
        name = self.names.get(id(site.raw), "")
        if not name or site.layout.groups > 1 or not _is_linear(site):
            return
        W = self.params[name]
        if isinstance(site.module, (nn.Embedding, nn.EmbeddingBag)):
            numbers = line_numbers(W, site.layout)
            yield _candidate(site.layer, "layer norm shift", name, numbers)
            return
        numbers = line_numbers(W, site.layout, columns=True)
        yield _candidate(site.layer, source, name, numbers, _divisors(site))

    def _of_biases(self, layer: str, module: nn.Module) -> Iterator[Candidate]:
        own = {t: self.names[id(p)] for t, p in _biases(module) if id(p) in self.names}
        if isinstance(module, nn.MultiheadAttention):
            if "in_proj_bias" in own:
                found = attention(self.params, layer, heads=module.num_heads)
                yield Candidate(layer, found[-1])
            return
        if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
            yield from _twins(layer, module, own)
            return
        norm = self.calls.norms.get(layer)
        for stored in own.values():
            if isinstance(norm, nn.GroupNorm):
                shift = bias_shift(self.params, stored, groups=norm.num_groups)
                yield Candidate(layer, shift)
            elif bool(self.flat[stored].any()):
                source = "bias before mean" if norm else _by_name(layer)
                yield _candidate(layer, source, stored, some(self.flat[stored]))


def some(which: Tensor) -> Tensor:
    """Return numbers of the entries that move, `STILL` for the others."""
    counts = which.reshape(-1).cumsum(0).view(which.shape) - 1
    return torch.where(which, counts, STILL)


def _candidate(
    layer: str, source: str, name: str, numbers: Tensor, factors: Tensor | None = None
) -> Candidate:
    size = int(numbers.max()) + 1
    return Candidate(layer, Invariance(source, size, (Shift(name, numbers, factors),)))


def _biases(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the biases of a layer that has a weight matrix too."""
    own = dict(module.named_parameters(recurse=False))
    if any(p.ndim > 1 for p in own.values()) or hasattr(module, "parametrizations"):
        yield from ((t, p) for t, p in own.items() if "bias" in t and p.ndim == 1)


def _by_name(layer: str) -> str:
    last = layer.rpartition(".")[2]
    return "key bias" if last in KEYS or last.startswith("k_") else "bias"


def _twins(
    layer: str, module: nn.RNNBase | nn.RNNCellBase, own: dict[str, str]
) -> Iterator[Candidate]:
    """Yield the pairs of biases of which only the sums count."""
    gates = {"GRU": 2, "LSTM": 4}  # GRU's third bias is gated
    count = next((n for k, n in gates.items() if k in type(module).__name__), 1)
    for first, stored in own.items():
        second = own.get(first.replace("bias_ih", "bias_hh"), "")
        if "bias_ih" not in first or not second:
            continue
        places = torch.arange(len(getattr(module, first)))
        rows = count * module.hidden_size
        numbers = torch.where(places < rows, places, STILL)
        against = Shift(second, numbers, -torch.ones(len(places)))
        terms = (Shift(stored, numbers), against)
        yield Candidate(layer, Invariance("one bias against another", rows, terms))


def _is_linear(site: Site) -> bool:
    """Tell whether the weight is the stored one, or that over constants."""
    maps, made = chain(site.module, site.tensor), conditioning_of(site)
    if made is None:
        return not maps and isinstance(site.weight, nn.Parameter)
    return made.frozen and made.gain is None and len(maps) == 1


def _divisors(site: Site) -> Tensor | None:
    """Return by what each entry of a frozen scaling's weight is divided."""
    if conditioning_of(site) is None:
        return None
    with torch.no_grad():
        divided = site.weight
    return torch.where(divided == 0, 1, site.raw.detach() / divided)
