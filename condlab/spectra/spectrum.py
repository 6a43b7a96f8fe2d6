"""Eigenvalues of a symmetric operator: by LAPACK, or by Lanczos from products."""

from __future__ import annotations

import math
import os
from typing import Literal

import torch
from torch import Tensor

from condlab.machine.precision import wide
from condlab.spectra._dense import SAFETY, assembled, is_exact, rounding
from condlab.spectra._operator import Operator
from condlab.spectra._products import Products, require_arguments
from condlab.spectra.brackets.extremes import probable
from condlab.spectra.brackets.intervals import Spectrum
from condlab.spectra.eigenpairs import (
    Eigenpairs,
    Which,
    chosen,
    eigenpairs,
    require_vectors,
)
from condlab.spectra.lanczos.block_lanczos import block_lanczos
from condlab.spectra.lanczos.krylov import Basis
from condlab.spectra.lanczos.ritz import Ritz
from condlab.spectra.storage.room import (
    require_room_for_basis,
    require_room_for_checkpoint,
    require_room_for_eigenvalues,
)

Method = Literal["auto", "exact", "lanczos"]
NUM_MATVECS = 100


def spectrum(
    H: Operator,
    *,
    method: Method = "auto",
    num_matvecs: int | None = None,
    generator: torch.Generator | None = None,
    block: int = 1,
    basis: int = 128,
    rtol: float = 1e-6,
    checkpoint: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    vectors: int = 0,
    which: Which = "magnitude",
) -> Spectrum:
    """Return eigenvalues of a symmetric operator, with certified intervals.

    Parameters
    ----------
    H : operator, shape (n, n)
        Anything symmetric with ``shape``, ``dtype`` and ``@`` on torch matrices, such
        as a `HessianOperator` or a tensor; on ``H.device`` if it has one.
    method : {"auto", "exact", "lanczos"}
        "exact" assembles the matrix and calls LAPACK; "auto" does so where it fits
        and n is at most 4096 and at most `num_matvecs`, if that is given.
    num_matvecs : int, optional
        Products that Lanczos may make, two of them for its checks; 100 by default.
        From n + 2 on all eigenvalues are found.
    generator : torch.Generator, optional
        Draws the random start; seeded with 0 by default.
    block : int
        Vectors multiplied together. One finds the most with few products; more find
        repeated eigenvalues, and are cheaper each on a GPU.
    basis : int
        Vectors held, twice: with their images. When they are spent, Lanczos restarts.
    rtol : float
        Stop when both extreme Ritz values have residuals of this times the largest
        |value|; 0 spends all products.
    checkpoint : path, optional
        A file written after each restart, and locked meanwhile. A killed run takes up
        from it, with the same arguments, and gives the same numbers.
    folder : path, optional
        Where to hold the basis on disk, if it does not fit in memory. It is read in
        windows of 32 MiB, so that the memory taken is that of ``8 basis^2`` numbers, of
        a few windows and vectors, whatever ``basis n`` is. Of several processes, as of
        a `condlab.curvature.DataParallel`, each keeps its part of the columns.
    vectors : int
        Eigenvectors to give as `Spectrum.pairs`: n numbers each besides the basis, or n
        squared besides the matrix. Each takes a product, of `num_matvecs`, to check.
    which : {"magnitude", "largest", "smallest", "both"}
        Of which eigenvalues: the largest in magnitude, the largest or smallest in
        value, or half of them from either end. Lanczos stops when these too have
        converged to `rtol`.

    Returns
    -------
    Spectrum
        Every interval holds an eigenvalue, up to what `Spectrum.noise` says of the
        products; a residual cannot tell how many, or that none is elsewhere.

    Raises
    ------
    ValueError
        If H is not square or not symmetric, its products are not finite, an argument
        makes no sense, or the checkpoint is damaged, in use or another run's.
    MemoryError
        If the matrix, or the basis without a folder, does not fit: before any work.
    OSError
        If the disk has no room for the basis or the checkpoint: before any work.

    Notes
    -----
    The noise is what rounding leaves at least and what linearity shows. An error that
    is itself linear and symmetric, as float32 activations make near the kinks of ReLU,
    shows in no product; compare with float64 where it matters.

    References
    ----------
    .. [1] B. N. Parlett, "The Symmetric Eigenvalue Problem", SIAM, 1998, Theorem 4.5.1.
    .. [2] J. Kuczynski and H. Wozniakowski, "Estimating the largest eigenvalue by the
       power and Lanczos algorithms with a random start", SIAM J. Matrix Anal. Appl.
       13(4), 1992.

    Examples
    --------
    >>> H = torch.diag(torch.tensor([-1.0, 0.0, 3.0], dtype=torch.float64))
    >>> found = spectrum(H)
    >>> found.values.tolist(), found.complete, bool(found.radii.max() < 1e-13)
    ([-1.0, 0.0, 3.0], True, True)
    >>> spectrum(H, vectors=1).pairs.vectors[:, 0].abs()
    tensor([0., 0., 1.], dtype=torch.float64)
    """
    require_arguments(H, method, num_matvecs)
    if not 1 <= block <= basis:
        raise ValueError(f"1 <= block <= basis is needed, got {block} and {basis}")
    if not 0 <= rtol < 1:
        raise ValueError(f"rtol must be at least 0 and below 1, got {rtol}")
    require_vectors(H, vectors, which, basis)
    if is_exact(H, method, num_matvecs):
        require_room_for_eigenvalues(H, vectors=vectors > 0)
        return exact(Products(H), vectors=vectors, which=which)
    budget, least = num_matvecs or NUM_MATVECS, 2 * vectors + 2
    if budget < least:
        raise ValueError(
            f"num_matvecs must be at least {least} for {vectors} vectors, got {budget}"
        )
    size = min(basis, max(block, budget))  # more would never be used
    require_room_for_basis(H, size, folder)
    if checkpoint is not None:
        require_room_for_checkpoint(H, size, block, budget, checkpoint)
    return lanczos(
        Products(H),
        num_matvecs=budget - vectors,
        generator=generator or torch.Generator().manual_seed(0),
        block=block,
        basis=size,
        rtol=rtol,
        checkpoint=checkpoint,
        folder=folder,
        vectors=vectors,
        which=which,
    )


def exact(
    H: Products,
    deflated: Tensor | None = None,
    *,
    vectors: int = 0,
    which: Which = "magnitude",
) -> Spectrum:
    """Return all eigenvalues, on the complement of the deflated null vectors."""
    A, gap = assembled(H)
    Q = None
    if deflated is not None and deflated.shape[1]:
        r = deflated.shape[1]
        Q = torch.linalg.qr(wide(deflated), mode="complete")[0][:, r:]
        A = Q.T @ A @ Q
    values, U = torch.linalg.eigh(A) if vectors else (torch.linalg.eigvalsh(A), None)
    peak = float(values.abs().max()) if len(A) else 0.0
    noise = (rounding(H, peak) + SAFETY * gap) * H.scale
    values = values.cpu() * H.scale
    radii = torch.full_like(values, noise)
    pairs = None
    if U is not None:
        places = chosen(values, vectors, which)
        Y = U[:, places.to(U.device)]
        Y = (Y if Q is None else Q @ Y).to(H.dtype).to(H.device)
        pairs = eigenpairs(H, Y, places, values, radii, noise=noise, complete=True)
    return Spectrum(
        values, radii, noise, True, len(A), H.count, "dense", None, None, pairs
    )


def lanczos(
    H: Products,
    *,
    num_matvecs: int,
    generator: torch.Generator,
    block: int = 1,
    basis: int = 128,
    rtol: float = 0.0,
    checkpoint: str | os.PathLike[str] | None = None,
    deflated: Tensor | None = None,
    folder: str | os.PathLike[str] | None = None,
    interior: int = 0,
    vectors: int = 0,
    which: Which = "magnitude",
) -> Spectrum:
    """Return Ritz values, on the complement of the deflated null vectors."""
    krylov = Basis(H, basis, block, generator, deflated, folder)
    block_lanczos(
        krylov,
        num_matvecs=num_matvecs - 1,  # one is left for the noise
        rtol=rtol,
        checkpoint=checkpoint,
        vectors=vectors,
        which=which,
    )
    noise, pairs = krylov.noise(), krylov.ritz()
    pairs.require_symmetric(H)
    noise += pairs.asymmetry
    off = noise * math.sqrt(krylov.k)  # Weyl, with the noise in each row
    before = H.count
    smallest = krylov.smallest(0 if krylov.complete else interior) + off
    more = H.count - before
    radii = _radii(krylov, pairs, noise)
    found = _eigenpairs(krylov, pairs, radii, noise, vectors, which)
    return Spectrum(
        pairs.values,
        radii,
        noise,
        krylov.complete,
        krylov.rank,
        H.count,
        f"lanczos-{before}" + (f"+minres-{more}" if more else ""),
        None if krylov.complete else probable(pairs.values, noise, krylov),
        smallest,
        found,
    )


def _radii(krylov: Basis, pairs: Ritz, noise: float) -> Tensor:
    """Return by how much the Ritz values are off an eigenvalue at most."""
    if krylov.complete:  # Weyl: the matrix is V T V' and a sum of residuals
        most = noise + math.hypot(*pairs.residuals.tolist())
        return torch.full_like(pairs.residuals, most)
    return pairs.residuals + noise


def _eigenpairs(
    krylov: Basis, pairs: Ritz, radii: Tensor, noise: float, count: int, which: Which
) -> Eigenpairs | None:
    """Return the vectors of so many Ritz values, each checked by a product."""
    if count == 0:
        return None
    places = chosen(pairs.values, count, which)
    return eigenpairs(
        krylov.H,
        krylov.combined(pairs.coefficients[:, places]),
        places,
        pairs.values,
        radii,
        noise=noise,
        complete=krylov.complete,
    )
