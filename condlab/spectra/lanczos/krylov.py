"""A Krylov basis that keeps images: reorthogonalised in full, to be restarted.

The basis V comes with its image W = H V, as the products gave it. So a residual
H y - theta y is a combination of products that were really made, never Lanczos's
beta |s|, and costs no further product.
"""

from __future__ import annotations

import math
import os

import torch
from torch import Tensor
from torch.nn.functional import normalize

from condlab.spectra._products import Products, gaussian
from condlab.spectra.inverse.interior import inverse_iteration, singular, triangle
from condlab.spectra.lanczos._saved import seed_of
from condlab.spectra.lanczos.ritz import Ritz, projected
from condlab.spectra.storage.room import require_room_for_basis
from condlab.spectra.storage.shared_rows import room_for

DEPENDENT = 16  # times eps and the size of what it came from: rounding, no direction
ROUNDING = 4  # times sqrt(n) eps |H|: the least that a product is thought to be off
# Of a vector's length, what a projection leaves where a second one is not needed: Kahan
# and Parlett's "twice is enough" (Parlett, 1998, Section 6.9; Giraud et al., 2005).
ENOUGH = 0.5**0.5
INNER = 2  # Ritz pairs nearest to zero that outlive a restart


class Basis:
    """Orthonormal rows V, their images W, and the block of rows to multiply next.

    Attributes
    ----------
    k : int
        Rows that are in use.
    steps : int
        Blocks multiplied before the first restart: the degree of the Krylov space.
    width : int
        Rows of the random start.
    restarts : int
        How often the basis was cut down.
    seed : list
        What the generator was before it drew anything.
    """

    def __init__(
        self,
        H: Products,
        size: int,
        block: int,
        generator: torch.Generator,
        deflated: Tensor | None = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        n = H.shape[0]
        self.H, self.generator, self.block = H, generator, block
        self.seed, self.ranks = seed_of(generator), H.ranks
        self.ranks.require_same("size, block and seed", [size, block, self.seed])
        if deflated is None:
            deflated = torch.zeros((n, 0), dtype=H.dtype, device=H.device)
        self.locked = deflated.T
        self.rank = n - len(self.locked)
        size = min(size, self.rank)
        require_room_for_basis(H, size, folder)
        self.V, self.W = (
            room_for(size, n, H.dtype, H.device, folder=folder, ranks=self.ranks)
            for _ in range(2)
        )
        self.T = torch.zeros((size, size), dtype=torch.float64)
        self.k = self.steps = self.restarts = 0
        self.peak = 0.0  # the longest image of a unit vector so far
        self.coupling = torch.zeros((0, 0), dtype=torch.float64)
        self.ahead = self._fresh(min(block, size))
        self.width = len(self.ahead)

    @property
    def complete(self) -> bool:
        """Return whether the basis spans all that is not deflated."""
        return self.k == self.rank

    @property
    def room(self) -> int:
        """Return how many rows are still free."""
        return len(self.V) - self.k

    def grow(self, most: int) -> None:
        """Multiply the next block, or as much of it as `most` and the room allow."""
        Q = self.ahead[: min(most, self.room)]
        old, new = self.k, self.k + len(Q)
        images = (self.H @ Q.T).T
        self.V[old:new], self.W[old:new] = Q, images
        self.k = new
        # a block of which a part is multiplied does not raise the degree
        self.steps += self.restarts == 0 and len(Q) == len(self.ahead)
        self.peak = max(self.peak, float(images.norm(dim=1).max()))
        # the recurrence's own two blocks first: what is left couples by rounding alone
        near = self.V[max(0, old - self.width) : new]
        C = images @ near.T
        local = torch.addmm(images, C, near, alpha=-1)
        left = self.ahead[len(Q) :]
        both = torch.cat([local, left]) if len(left) else local
        rest, part = self.V.separate(both, new)
        part = part[:, : len(Q)].cpu().double()
        part[-len(near) :] += C.T.cpu().double()
        self.T[:new, old:new] = part
        self.T[old:new, :new] = part.T
        rest = self._unlocked(rest)
        once = len(rest) == 1 and bool(rest.norm() >= ENOUGH * local.norm())
        self.ahead, self.coupling = self._next(images, rest, once)

    def _next(self, images: Tensor, rest: Tensor, once: bool) -> tuple[Tensor, Tensor]:
        """Return the next block, of the images' rest, and how they couple to it."""
        if self.complete:
            return images[:0], torch.zeros((0, len(images)), dtype=torch.float64)
        rough = self.peak * DEPENDENT * torch.finfo(images.dtype).eps
        block = self._orthonormal(rest, rough, once)
        if len(block) == 0:  # the space is invariant: look elsewhere
            block = self._fresh(self.width)
        return block, (block @ images.T).cpu().double()

    def _orthonormal(self, B: Tensor, least: float, once: bool = False) -> Tensor:
        """Return orthonormal rows for what is above `least` in what is beyond.

        One vector is taken as it is where it lost little when the basis was taken from
        it `once`: what it has left of the basis is rounding.
        """
        if len(B) == 1:  # what follows, for one vector at a fraction of the price
            size = B.norm()
            if size <= least:
                return B[:0]
            B = B / size
            return B if once else normalize(self._beyond(B), eps=0.0)
        Q, R = torch.linalg.qr(B.T)
        U, s, _ = torch.linalg.svd(R)
        found = (Q @ U[:, s > least]).T[: self.rank - self.k]
        return torch.linalg.qr(self._beyond(found).T)[0].T.contiguous()

    def _beyond(self, B: Tensor) -> Tensor:
        return self.V.remove(self._unlocked(B), self.k)

    def _unlocked(self, B: Tensor) -> Tensor:
        if len(self.locked):
            B = torch.addmm(B, B @ self.locked.T, self.locked, alpha=-1)
        return B

    def _fresh(self, width: int) -> Tensor:
        """Return random orthonormal rows beyond the basis."""
        width = min(width, self.rank - self.k)
        if width == 0:
            return self.locked[:0]
        least = DEPENDENT * torch.finfo(self.V.dtype).eps
        drawn = gaussian(self.H, width, self.generator).T
        return self._orthonormal(self._beyond(drawn), least)

    def estimated(self) -> tuple[Tensor, Tensor]:
        """Return Ritz values and Lanczos's own residuals: hints, scaled."""
        values, S = torch.linalg.eigh(self.T[: self.k, : self.k])
        last = S[self.k - self.coupling.shape[1] :]
        return values, (self.coupling @ last).norm(dim=0)

    def ritz(self) -> Ritz:
        """Return the Ritz pairs with residuals from the images."""
        k, parts = self.k, list(self.V.widths(self.k))
        T = torch.zeros((k, k), dtype=torch.float64)
        for part in parts:
            V, W = self.V.columns(*part, k), self.W.columns(*part, k)
            T += (V @ W.T).cpu().double()
        values, S, gap = projected(self.ranks.total(T))
        del T
        C, theta = self._own(S.T), self._own(values)[:, None]
        long = off = torch.zeros(k, dtype=torch.float64)
        for part in parts:
            Y = C @ self.V.columns(*part, k)
            R = (C @ self.W.columns(*part, k)).addcmul_(theta, Y, value=-1)
            long, off = (
                torch.hypot(total, found.norm(dim=1).cpu().double())
                for total, found in ((long, Y), (off, R))
            )
        if self.ranks.count > 1:
            long, off = (self.ranks.total(x.square()).sqrt() for x in (long, off))
        scale = self.H.scale
        return Ritz(values * scale, S, off / long * scale, gap * scale)

    def combined(self, coefficients: Tensor) -> Tensor:
        """Return combinations of the basis, shape (n, m), from (k, m) coefficients."""
        return self.V.combined(self._own(coefficients.T)).T

    def _own(self, x: Tensor) -> Tensor:
        return x.to(self.H.dtype).to(self.H.device)

    def smallest(self, num_matvecs: int) -> Tensor:
        """Return upper bounds of the smallest |eigenvalues|, ascending, scaled.

        No combination of the basis has a shorter image than the harmonic ones, so
        these bounds are never above those from Ritz pairs. `num_matvecs` products
        improve the first.
        """
        if self.k == 0:
            return torch.zeros(0, dtype=torch.float64)
        k, W = self.k, self.W
        images = (W.columns(*at, k) for at in W.widths(k))
        if self.ranks.count > 1:
            parts = self.ranks.gathered(triangle(images, k)[0].cpu())
            images = (R.T for R in parts)
        values, shortest = singular(images, k)
        start = self.combined(shortest[:, None])[:, 0]
        least = inverse_iteration(self.H, start, self.locked, num_matvecs)
        values[0] = min(float(values[0]), least)
        return values * self.H.scale

    def restart(self, keep: int) -> None:
        """Keep the Ritz vectors at both ends, and those nearest to zero."""
        pairs = self.ritz()
        radii = pairs.values.abs() + pairs.residuals
        inner = radii.argsort()[:INNER].tolist()
        ends = [*range((keep + 1) // 2), *range(self.k - keep // 2, self.k)]
        kept = sorted({*ends, *inner})
        S = self._own(pairs.coefficients[:, kept].T)
        for rows in (self.V, self.W):
            rows.replace(S)
        self.k = len(kept)
        self.T.zero_()
        self.T[: self.k, : self.k] = torch.diag(pairs.values[kept] / self.H.scale)
        self.restarts += 1

    def noise(self) -> float:
        """Return how far off the products are, by one more of them.

        What rounding leaves at least, and by how much the product of a combination
        differs from the combination of the products.
        """
        if self.k == 0:
            return 0.0
        n = self.H.shape[0]
        c = torch.randn(1, self.k, generator=torch.Generator().manual_seed(1))
        c = self._own(c / c.norm())
        fresh = self.H @ self.V.combined(c).T
        gap = float((fresh - self.W.combined(c).T).norm())
        least = ROUNDING * math.sqrt(n) * torch.finfo(self.V.dtype).eps * self.peak
        return (least + gap + self.H.noise) * self.H.scale
