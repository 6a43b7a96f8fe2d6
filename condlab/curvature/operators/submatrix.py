"""Some rows and columns of an operator, without assembling it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from condlab.curvature.evaluation._parameters import Flat
from condlab.machine.ranks import ranks_of
from condlab.spectra._operator import Operator
from condlab.spectra.linear_map import LinearMap

Places = slice | Sequence[int] | Tensor | str | Sequence[str]


def submatrix(H: Operator, rows: Places, columns: Places | None = None) -> LinearMap:
    """Return some rows and columns of an operator, known by its products.

    Parameters
    ----------
    H : operator, shape (m, n)
        With ``shape``, ``dtype`` and ``@`` on torch matrices: a `CurvatureOperator`, a
        tensor, a `LinearMap`. One without ``T`` is taken to be symmetric.
    rows, columns : slice, index tensor or sequence, boolean mask, or names
        Names are a glob, such as "layers.0.*", or several, of the parameters of a
        `CurvatureOperator`. Places may be negative, in any order, and repeated. Columns
        are as the rows by default.

    Returns
    -------
    LinearMap, shape (len(rows), len(columns))
        Each product is one of H. Without `columns` it is as symmetric as H, and an
        operator for `spectrum`, `condition` and `solve`. Where it is the whole block
        of some parameters, `CurvatureOperator.block` multiplies for less.

    Raises
    ------
    ValueError
        If places are out of range, or names match nothing.

    Examples
    --------
    >>> H = torch.tensor([[2.0, 1.0, 0.0], [1.0, 3.0, 5.0], [0.0, 5.0, 4.0]])
    >>> submatrix(H, torch.tensor([True, False, True])).dense()
    tensor([[2., 0.],
            [0., 4.]])
    >>> submatrix(H, [1], slice(None)).dense()
    tensor([[1., 3., 5.]])
    """
    device = getattr(H, "device", torch.device("cpu"))
    down = _indices(H, rows, 0).to(device)
    along = down if columns is None else _indices(H, columns, 1).to(device)
    symmetric = columns is None and getattr(H, "symmetric", not hasattr(H, "T"))
    transposed = getattr(H, "T", H)
    repeats = max(
        (float(x.bincount().max()) for x in (down, along) if len(x)), default=1
    )
    return LinearMap(
        (len(down), len(along)),
        H.dtype,
        device,
        lambda V: (H @ _spread(V, along, H.shape[1]))[down],
        lambda V: (transposed @ _spread(V, down, H.shape[0]))[along],
        symmetric=symmetric,
        noise=float(getattr(H, "noise", 0.0)) * repeats,
        ranks=ranks_of(H),
    )


def _spread(V: Tensor, places: Tensor, n: int) -> Tensor:
    """Return the rows of V at their places among zeros, shape (n, k)."""
    X = V.new_zeros((n, V.shape[1]))
    return X.index_add_(0, places, V)  # a place may be repeated


def _indices(H: Operator, places: Places, axis: int) -> Tensor:
    """Return the places along an axis as numbers from 0."""
    n = H.shape[axis]
    if not (isinstance(places, slice) or hasattr(places, "__len__")) or isinstance(
        places, Mapping
    ):
        raise ValueError(
            "rows and columns must be a slice, integers on one axis, a boolean mask or "
            f"names, got {type(places).__name__}"
        )
    if isinstance(places, slice):
        return torch.tensor(range(n)[places], dtype=torch.long)
    if isinstance(places, str) or (
        not isinstance(places, Tensor) and any(isinstance(x, str) for x in places)
    ):
        return _named(
            H, [places] if isinstance(places, str) else list(map(str, places))
        )
    found = torch.as_tensor(places if len(places) else torch.arange(0)).cpu()
    if found.dtype == torch.bool:
        if found.shape != (n,):
            raise ValueError(
                f"a mask of shape ({n},) is needed, got {tuple(found.shape)}"
            )
        return found.nonzero()[:, 0]
    if found.ndim != 1 or found.is_floating_point() or found.is_complex():
        raise ValueError(
            "rows and columns must be a slice, integers on one axis, a boolean mask or "
            f"names, got {found.dtype} of shape {tuple(found.shape)}"
        )
    found = found.long()
    if len(found) and not -n <= int(found.min()) <= int(found.max()) < n:
        raise ValueError(
            f"places must be from {-n} to {n - 1}, got {int(found.min())} to "
            f"{int(found.max())}"
        )
    return found % n if n else found


def _named(H: Operator, globs: list[str]) -> Tensor:
    layout = getattr(H, "layout", None)
    if not isinstance(layout, Flat):
        raise ValueError(  # noqa: TRY004
            f"names need an operator with parameters, got {type(H).__name__}; give "
            "integers or a slice"
        )
    parts = []
    for name, place in layout.slices.items():
        if any(fnmatchcase(name, glob) for glob in globs):
            parts.append(torch.arange(place.start, place.stop))
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in layout.slices):
            known = ", ".join(layout.slices)
            raise ValueError(f"{glob!r} matches no parameter; there are {known}")
    return torch.cat(parts)
