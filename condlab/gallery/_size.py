"""The one check that every family shares."""

from __future__ import annotations

import operator


def require_size(name: str, n: int, *, at_least: int = 1) -> int:
    """Return n as an int, or raise ValueError that names the family."""
    size = operator.index(n)
    if size < at_least:
        raise ValueError(f"{name} needs a size of at least {at_least}, got {size}")
    return size
