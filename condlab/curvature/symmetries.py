"""Null directions that a network's layers predict, each asked of the Hessian.

What to try follows from the layers: shifts of what a softmax or a mean takes off again,
of a key's bias, of one of two biases against the other, of what nothing depends on.
Whether it holds is not a matter of names. A shift is kept where the gradient along it
and the product with it vanish next to what the same layer's other motions do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from condlab.curvature._calls import Calls
from condlab.curvature.attention import attention
from condlab.curvature.invariances import Invariance, bias_shift
from condlab.curvature.motions import STILL, Shift, line_numbers, numbered
from condlab.curvature.null_space import INVARIANT, Surroundings
from condlab.nn.conditioning import conditioning_of
from condlab.nn.selection import Site, chain, layer_modules, sites, unplaced

ALWAYS = ("softmax shift", "key bias")
WITHIN = 64  # directions of the other kinds: each costs a product and n numbers
CANCELLED = 16  # times eps: what a gradient near zero is off, of |H| |theta|
KEYS = ("k", "key", "qkv", "query_key_value", "c_attn", "in_proj")


def find_invariances(H: Any, module: nn.Module, *, most: int = WITHIN) -> list[Any]:
    """Return the shifts of a network's parameters that its loss does not see.

    Parameters
    ----------
    H : HessianOperator
        Of a loss of the module, in all or some of its parameters.
    module : torch.nn.Module
        Conditioned or not; its layers say what to try.
    most : int
        Null directions that are returned beside those of softmax and of attention's
        keys, which always are.

    Returns
    -------
    list of Invariance
        One for each source, verified: an input to `condition` and `null_space`.

    Notes
    -----
    Scalings of lines and units, and pairings of queries with keys, are null only where
    the gradient vanishes; `row_scale`, `relu_rescaling` and `attention` make them.

    Examples
    --------
    >>> from condlab.curvature import HessianOperator, make_loss
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3), nn.Tanh(), nn.Linear(3, 2))
    >>> loss = make_loss(net.double(), nn.CrossEntropyLoss())
    >>> batch = torch.randn(9, 2, dtype=torch.float64), torch.arange(9) % 2
    >>> H = HessianOperator(loss, dict(net.named_parameters()), [batch])
    >>> [(found.source, found.size) for found in find_invariances(H, net)]
    [('softmax shift', 4), ('layer norm shift', 3)]
    """
    around = Surroundings.of(H)
    trial = _Trial(H, around, Calls.of(H, module))
    found: list[Invariance] = []
    candidates = sorted(trial.candidates(module), key=lambda c: c.rank)
    for one in trial.kept(candidates):
        most -= 0 if one.source in ALWAYS else one.size
        if one.source in ALWAYS or most >= 0:
            found.append(one)
    return _joined(found)


@dataclass(frozen=True, slots=True)
class _Candidate:
    layer: str
    shift: Invariance

    @property
    def rank(self) -> tuple[bool, int]:
        """Return what is tried first: the few directions that most networks have."""
        return self.shift.source not in ALWAYS, self.shift.size


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    H: Any
    around: Surroundings
    calls: Calls

    @property
    def gradient(self) -> dict[str, Tensor]:
        return self.H.unflatten(self.around.gradient)

    def candidates(self, module: nn.Module) -> Iterator[_Candidate]:
        """Yield what may be null."""
        names = {id(p): n for n, p in module.named_parameters()}
        names = {key: n for key, n in names.items() if n in self.H.params}
        for site in sites(module):
            yield from self._of_weight(site, names)
        for name, layer in layer_modules(module):
            yield from self._of_biases(name, layer, names)
        for name, _, value in unplaced(module):
            if value.ndim > 1 and id(value) in names:
                stored = names[id(value)]
                numbers = numbered(value.shape, (value.ndim - 1,))
                shift = _shift("layer norm shift", stored, numbers)
                yield _Candidate(name.rpartition(".")[0], shift)
        yield from self._without_effect()

    def _of_weight(self, site: Site, names: dict[int, str]) -> Iterator[_Candidate]:
        source = self.calls.what_follows(site.layer)
        bias = getattr(site.module, "bias", None)
        if isinstance(bias, Tensor) and id(bias) in names and bias.ndim == 1:
            numbers = torch.zeros(len(bias), dtype=torch.int64)
            yield _Candidate(site.layer, _shift(source, names[id(bias)], numbers))
        name = names.get(id(site.raw), "")
        if not name or site.layout.groups > 1 or not _is_linear(site):
            return
        W = self.H.params[name]
        rows = isinstance(site.module, (nn.Embedding, nn.EmbeddingBag))
        numbers = line_numbers(W, site.layout, columns=not rows)
        left = None if rows else _row_divisors(site, W)
        source = "layer norm shift" if rows else source
        yield _Candidate(site.layer, _shift(source, name, numbers, left))

    def _of_biases(
        self, layer: str, module: nn.Module, names: dict[int, str]
    ) -> Iterator[_Candidate]:
        own = {t: names[id(p)] for t, p in _biases(module) if id(p) in names}
        if isinstance(module, nn.MultiheadAttention):
            if "in_proj_bias" in own:
                found = attention(self.H.params, layer, heads=module.num_heads)
                yield _Candidate(layer, found[-1])
            return
        if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
            for twin in _twins(module, own):
                yield _Candidate(layer, twin)
            return
        norm = self.calls.norms.get(layer)
        for stored in own.values():
            if isinstance(norm, nn.GroupNorm):
                shift = bias_shift(self.H.params, stored, groups=norm.num_groups)
                yield _Candidate(layer, shift)
            near = self._vanishing(stored)
            if int(near.sum()):
                source = "bias before mean" if norm else _by_name(layer)
                yield _Candidate(layer, _shift(source, stored, _some(near)))

    def _vanishing(self, name: str) -> Tensor:
        """Return which entries of a bias have no gradient, up to rounding."""
        g = self.gradient[name].abs()
        return g <= _tolerance(self.H) * float(self.around.gradient.abs().max())

    def _without_effect(self) -> Iterator[_Candidate]:
        """Yield the entries that neither the gradient nor a product knows of."""
        product = self.H.unflatten(self.H @ _random(self.H, 2))
        numbers, count = {}, 0
        for name, g in self.gradient.items():
            still = (g == 0) & (product[name] == 0)
            places = _some(still.cpu())
            numbers[name] = torch.where(places == STILL, STILL, places + count)
            count += int(still.sum())
        if 0 < count < self.H.shape[0]:
            terms = tuple(Shift(n, k) for n, k in numbers.items() if int(k.max()) >= 0)
            yield _Candidate("", Invariance("no effect", count, terms))

    def kept(self, candidates: Iterable[_Candidate]) -> Iterator[Invariance]:
        """Yield what the gradient and a product do not see."""
        sizes: dict[frozenset[str], float] = {}
        for one in candidates:
            xi = self._move(one.shift)
            if not self._is_level(one, xi):
                continue
            scope = self._scope(one)
            if scope not in sizes:
                sizes[scope] = float((self.H @ self._within(scope)).norm())
            image = float((self.H @ xi).norm())
            local = min(sizes[scope], self.around.size) * float(xi.norm())
            # half: `verify` asks again, with other coefficients
            if image <= _tolerance(self.H) / 2 * local:
                yield one.shift

    def _move(self, shift: Invariance) -> Tensor:
        generator = torch.Generator().manual_seed(3)
        c = torch.randn(shift.size, generator=generator, dtype=torch.float64)
        return self.H.flatten(
            shift.direction(self.H.params, c.to(self.H.device, self.H.dtype))
        )

    def _is_level(self, one: _Candidate, xi: Tensor) -> bool:
        g, eps = self.around.gradient, torch.finfo(self.H.dtype).eps
        near = self._within(self._scope(one)) != 0
        theta = float(self.H.flatten(self.H.params).norm())
        off = CANCELLED * eps * self.around.size * theta
        slope = _tolerance(self.H) * float(g[near].norm()) + off
        return abs(float(xi @ g)) <= slope * float(xi.norm())

    def _scope(self, one: _Candidate) -> frozenset[str]:
        """Return the parameters of the layer, or of what it is part of.

        There must be others than those that may be null, to be held against.
        """
        moved = {term.name for term in one.shift.terms}
        layer = one.layer
        while True:
            own = {n for n in self.H.params if _is_within(n, layer)}
            if own - moved or not layer:
                return frozenset(own | moved)
            layer = layer.rpartition(".")[0]

    def _within(self, scope: frozenset[str]) -> Tensor:
        """Return a random direction, of length one, that moves these parameters."""
        parts = self.H.unflatten(_random(self.H, 4))
        v = self.H.flatten(
            {n: p if n in scope else torch.zeros_like(p) for n, p in parts.items()}
        )
        return v / v.norm()


def _tolerance(H: Any) -> float:
    return INVARIANT * torch.finfo(H.dtype).eps


def _random(H: Any, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    v = torch.randn(H.shape[0], generator=generator, dtype=torch.float64)
    return v.to(H.device, H.dtype)


def _is_within(name: str, layer: str) -> bool:
    return not layer or name.startswith(f"{layer}.")


def _shift(
    source: str, name: str, numbers: Tensor, factors: Tensor | None = None
) -> Invariance:
    size = int(numbers.max()) + 1
    return Invariance(source, size, (Shift(name, numbers, factors),))


def _some(which: Tensor) -> Tensor:
    """Return numbers of the entries that move, `STILL` for the others."""
    counts = which.reshape(-1).cumsum(0).view(which.shape) - 1
    return torch.where(which, counts, STILL)


def _biases(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the biases of a layer that has a weight matrix too."""
    own = dict(module.named_parameters(recurse=False))
    matrix = any(p.ndim > 1 for p in own.values()) or hasattr(
        module, "parametrizations"
    )
    if matrix:
        yield from ((t, p) for t, p in own.items() if "bias" in t and p.ndim == 1)


def _by_name(layer: str) -> str:
    last = layer.rpartition(".")[2]
    return "key bias" if last in KEYS or last.startswith("k_") else "no effect"


def _twins(module: nn.Module, own: dict[str, str]) -> Iterator[Invariance]:
    """Yield the pairs of biases of which only the sums count."""
    for first, stored in own.items():
        second = own.get(first.replace("bias_ih", "bias_hh"), "")
        if "bias_ih" not in first or not second:
            continue
        size: Any = module.hidden_size
        gates = {"GRU": 2, "LSTM": 4}  # GRU's third bias is gated
        kind = next((k for k in gates if k in type(module).__name__), "")
        rows = gates.get(kind, 1) * size
        total = len(getattr(module, first))
        numbers = torch.where(torch.arange(total) < rows, torch.arange(total), STILL)
        terms = (Shift(stored, numbers), Shift(second, numbers, -torch.ones(total)))
        yield Invariance("one bias against another", rows, terms)


def _is_linear(site: Site) -> bool:
    """Tell whether the weight is the stored one, or that over constants."""
    maps = chain(site.module, site.tensor)
    made = conditioning_of(site)
    plain = not maps and isinstance(site.weight, nn.Parameter)
    return plain or (
        made is not None and made.frozen and made.gain is None and len(maps) == 1
    )


def _row_divisors(site: Site, W: Tensor) -> Tensor | None:
    made = conditioning_of(site)
    return None if made is None else made.divisors(W)[0]


def _joined(found: Sequence[Invariance]) -> list[Invariance]:
    """Return one invariance a source: their directions are numbered on."""
    joined: dict[str, Invariance] = {}
    for one in found:
        before = joined.get(one.source, Invariance(one.source, 0, ()))
        terms = [_renumbered(t, before.size) for t in one.terms]
        joined[one.source] = Invariance(
            one.source, before.size + one.size, (*before.terms, *terms)
        )
    return list(joined.values())


def _renumbered(term: Any, first: int) -> Shift:
    numbers = torch.where(term.numbers == STILL, STILL, term.numbers + first)
    return replace(term, numbers=numbers)
