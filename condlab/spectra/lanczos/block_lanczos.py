"""Block Lanczos: a basis grown until what is asked for has converged."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from condlab.spectra.eigenpairs import Which, chosen
from condlab.spectra.lanczos._saved import load, save
from condlab.spectra.lanczos.krylov import INNER, Basis
from condlab.spectra.storage.checkpoint import held


def block_lanczos(
    basis: Basis,
    *,
    num_matvecs: int,
    rtol: float = 0.0,
    checkpoint: str | os.PathLike[str] | None = None,
    vectors: int = 0,
    which: Which = "magnitude",
) -> Basis:
    """Grow a basis until both ends have converged, or the products are spent.

    Parameters
    ----------
    basis : Basis
        Changed in place; restarted, with half of it kept, when it is full.
    num_matvecs : int
        Products at most, those that were made already included.
    rtol : float
        Stop when the recomputed residuals of the lowest and the highest Ritz pair are
        at most this times the largest |Ritz value|.
    checkpoint : path, optional
        A file that is written after each restart, and taken up from where it exists.
        It is locked meanwhile.
    vectors, which
        So many Ritz pairs, and of which values, must converge besides the ends.

    Returns
    -------
    Basis
        The same one.

    References
    ----------
    .. [1] K. Wu and H. Simon, "Thick-restart Lanczos method for large symmetric
       eigenvalue problems", SIAM J. Matrix Anal. Appl. 22(2), 2000, Section 3.

    Examples
    --------
    >>> from condlab.spectra._products import Products
    >>> H = Products(torch.diag(torch.tensor([1.0, 2.0, 7.0], dtype=torch.float64)))
    >>> basis = Basis(H, 3, 1, torch.Generator().manual_seed(0))
    >>> block_lanczos(basis, num_matvecs=9).ritz().values.round(decimals=6)
    tensor([1., 2., 7.], dtype=torch.float64)
    """
    if checkpoint is None:
        return _grown(basis, num_matvecs, rtol, vectors, which, None)
    path = Path(checkpoint)
    with held(path, basis.ranks):
        if basis.ranks.agreed(path.exists):
            load(basis, path)
        return _grown(basis, num_matvecs, rtol, vectors, which, path)


def _grown(
    basis: Basis,
    num_matvecs: int,
    rtol: float,
    vectors: int,
    which: Which,
    path: Path | None,
) -> Basis:
    while not basis.complete and basis.H.count < num_matvecs:
        if basis.room == 0:
            if len(basis.V) < 2 * (basis.width + INNER):
                break  # too few rows to keep some and grow
            basis.restart(len(basis.V) // 2 - INNER)
            if path is not None:
                save(basis, path)
        basis.grow(num_matvecs - basis.H.count)
        if rtol and _converged(basis, rtol, vectors, which):
            break
    return basis


def _converged(basis: Basis, rtol: float, vectors: int, which: Which) -> bool:
    if basis.k < max(2, vectors):
        return False
    values, hints = basis.estimated()
    ends = torch.tensor([0, basis.k - 1])
    places = torch.cat([ends, chosen(values, vectors, which)])
    if float(hints[places].max()) > rtol * float(values.abs().max()):
        return False
    pairs = basis.ritz()
    places = torch.cat([ends, chosen(pairs.values, vectors, which)])
    most = rtol * float(pairs.values.abs().max())
    return bool(pairs.residuals[places].max() <= most)
