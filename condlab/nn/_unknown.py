"""Parameters of layers of unknown kind, and which of them look like weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from condlab.nn.layout import Kinds, layouts
from condlab.nn.selection import layer_modules


def unplaced(
    module: nn.Module, kinds: Kinds | None = None
) -> Iterator[tuple[str, nn.Module, Tensor]]:
    """Yield the parameters that are no weight of a known layout, with their owners."""
    for name, layer in layer_modules(module):
        known = layouts(layer, kinds)
        for tensor, value in layer.named_parameters(recurse=False):
            if tensor not in known:
                yield f"{name}.{tensor}" if name else tensor, layer, value


def warn_of_unknown_kinds(module: nn.Module, kinds: Kinds | None) -> None:
    """Say which weights stay plain because nobody has said how they are matrices."""
    left = [place for place in unplaced(module, kinds) if _looks_like_weight(*place)]
    if not left:
        return
    name, layer, value = max(left, key=lambda place: place[2].numel())
    tensor = name.rpartition(".")[2]
    rest = f" and {len(left) - 1} more" if len(left) > 1 else ""
    share = sum(place[2].numel() for place in left) / sum(
        p.numel() for p in module.parameters() if not is_lazy(p)
    )
    kind = type(layer).__name__.removeprefix("Parametrized")
    layout = "Layout(stacked=True)" if value.ndim > 2 else "Layout()"
    warnings.warn(
        f"{name} {tuple(value.shape)}{rest}, {share:.0%} of all entries, belong to "
        "layers of unknown kind and stay plain; say how they are matrices with "
        f"kinds={{{kind}: {{{tensor!r}: {layout}}}}}",
        stacklevel=3,
    )


def _looks_like_weight(name: str, _layer: nn.Module, value: Tensor) -> bool:
    """Tell a stack of matrices, or what is called weight, from tokens and planes."""
    if is_lazy(value) or not value.requires_grad or value.ndim < 2:
        return False
    called = name.rpartition(".")[2].startswith("weight")
    return (min(value.shape) > 1 and value.ndim == 3) or (called and value.shape[0] > 1)
