"""How every model is told which normalisation to use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from condlab.nn.norms import Layout, make_norm

Norm = str | Callable[[int], nn.Module]


def norm_factory(norm: Norm, layout: Layout = "images") -> Callable[[int], nn.Module]:
    """Return the function from a number of channels to a layer.

    Parameters
    ----------
    norm : str or callable
        A name `condlab.nn.make_norm` knows, or such a function itself, for options.
    layout : {"images", "tokens", "vectors"}
        Where a name is looked up.
    """
    return partial(make_norm, norm, layout=layout) if isinstance(norm, str) else norm
