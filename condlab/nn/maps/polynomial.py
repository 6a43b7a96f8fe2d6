"""The map from stored weights to odd polynomials in them, the PC layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from condlab._levels import LEVELS
from condlab.nn.layout import Layout
from condlab.nn.maps.equilibrated import Gain
from condlab.nn.maps.owned import OwnedWeight
from condlab.nn.measures.sharpness import largest_singular_value

PRODUCTS, RTOL = 64, 1e-6  # of the search for the first pair of singular vectors


class Polynomial(OwnedWeight):
    """p(W / σ_1) for each matrix W, with σ_1 = u'W v from vectors that follow W.

    They are found when the map is made, and go on by power iteration after each step of
    an optimiser. So a forward pass writes nothing, and as long as no step is made the
    map is a fixed, smooth function, of which derivatives of any order are those of.

    Parameters
    ----------
    W : Tensor
        The weight as it is now.
    layout : Layout
        How it is seen as matrices.
    level, iterations, frozen, gain, restore
        As of `condition`; `gain` may be None.
    """

    method = "polynomial"
    u: Tensor
    v: Tensor
    size: Tensor

    def __init__(
        self,
        W: Tensor,
        layout: Layout,
        *,
        level: int = 4,
        iterations: int = 10,
        frozen: bool = False,
        gain: Gain | None = None,
        restore: bool = False,
    ) -> None:
        super().__init__(layout)
        self.level, self.iterations = level, iterations
        self.frozen, self.restore = frozen, restore
        ones = torch.ones(layout.row_shape(W) if gain == "row" else (), dtype=W.dtype)
        self.gain = nn.Parameter(ones.to(W.device)) if gain else None
        for name, value in zip(
            ("u", "v", "size"), _leading(self._seen(W)), strict=True
        ):
            self.register_buffer(name, value)

    def extra_repr(self) -> str:
        """Return the options that matter."""
        return f"level={self.level}" + (", restore=True" if self.restore else "")

    def effective(self, W: Tensor) -> Tensor:
        """Return the effective weight; half precision is computed with in float32."""
        M = self._seen(W)
        P = odd_polynomial(self._over_norm(M), self.level)
        P = P * self.size if self.restore else P
        V = self.layout.unmatrix(P, W.shape).to(W.dtype)
        if self.gain is None:
            return V
        return self.layout.merge(self.layout.split(V) * self.gain)

    def right_inverse(self, W: Tensor) -> Tensor:
        """Store what is assigned to the weight, and find its vectors."""
        self._store(*_leading(self._seen(W.detach())))
        return W

    def follows_steps(self) -> bool:
        """Return True: the vectors go on with the weight."""
        return True

    @torch.no_grad()
    def step(self) -> None:
        """Go on with the power iteration, a step of an optimiser having been made."""
        W = self.arriving()
        if W is None:
            return
        M, peak = _peaked(self._seen(W))
        u, v = self.u.to(M).unsqueeze(2), self.v.to(M).unsqueeze(2)
        for _ in range(self.iterations):
            v = _unit(M.mT @ u, v)
            u = _unit(M @ v, u)
        self._store(u.squeeze(2), v.squeeze(2), peak * (u.mT @ M @ v))

    @torch.no_grad()
    def refresh(self) -> None:
        """Find the vectors anew from the stored weight as it is now."""
        W = self.arriving()
        if W is not None:
            self._store(*_leading(self._seen(W)))

    @torch.no_grad()
    def _store(self, u: Tensor, v: Tensor, size: Tensor) -> None:
        for stored, new in ((self.u, u), (self.v, v), (self.size, size)):
            stored.copy_(new)

    def _seen(self, W: Tensor) -> Tensor:
        """Return the matrices, shape (count, m, n), in a type to compute in."""
        M = self.layout.matrices(W)
        return M if M.dtype.itemsize >= 4 else M.float()

    def _over_norm(self, M: Tensor) -> Tensor:
        if self.frozen:
            return M / _or_one(self.size.to(M))
        M, _ = _peaked(M)
        u, v = self.u.to(M).unsqueeze(2), self.v.to(M).unsqueeze(2)
        # Buffers that were rounded to half precision are no unit vectors any more.
        lengths = torch.linalg.vector_norm(u, dim=1, keepdim=True)
        lengths = lengths * torch.linalg.vector_norm(v, dim=1, keepdim=True)
        return M / _or_one((u.mT @ M @ v) / _or_one(lengths))


def check_polynomial(level: int, iterations: int, every: int | None) -> None:
    """Raise where an option of `condition` is none of "polynomial"."""
    if level not in LEVELS:
        raise ValueError(f"level must be 1, 2, 3 or 4, got {level!r}")
    if iterations < 1:
        raise ValueError(f"iterations must be at least 1, got {iterations!r}")
    if every != 1:
        raise ValueError(
            f'"polynomial" follows every step, so every={every!r} is not of it; '
            "leave every out"
        )


def odd_polynomial(X: Tensor, level: int) -> Tensor:
    """Return U p(Σ) V' of stacked matrices X = U Σ V', by Horner's rule.

    Parameters
    ----------
    X : Tensor, shape (..., m, n)
        Of 2-norm one.
    level : {1, 2, 3, 4}
        Which of the polynomials.

    Returns
    -------
    Tensor, shape (..., m, n)
        From products with the smaller of X X' and X' X.

    Examples
    --------
    >>> odd_polynomial(torch.diag(torch.tensor([1.0, 0.5])), level=1)
    tensor([[1.0000, 0.0000],
            [0.0000, 0.6901]])
    """
    tall = X.shape[-2] > X.shape[-1]
    G = X.mT @ X if tall else X @ X.mT
    eye = torch.eye(G.shape[-1], dtype=G.dtype, device=G.device)
    *rest, last = (float(c) for c in LEVELS[level])
    Q = rest.pop() * eye + last * G
    for c in reversed(rest):
        Q = c * eye + G @ Q
    return X @ Q if tall else Q @ X


@torch.no_grad()
def _leading(M: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the first left and right singular vectors of each matrix, and σ_1."""
    count, m, n = M.shape
    u, v = M.new_zeros(count, m), M.new_zeros(count, n)
    scaled, peak = _peaked(M)
    for i in range(0 if M.is_meta else count):
        A = scaled[i] if m >= n else scaled[i].T  # the search keeps the shorter ones
        found = largest_singular_value(
            A,
            start=None,
            num_matvecs=PRODUCTS,
            rtol=RTOL,
            generator=torch.Generator().manual_seed(0),
        ).vector
        other = A @ found
        other = other / _or_one(torch.linalg.vector_norm(other))
        u[i], v[i] = (other, found) if m >= n else (found, other)
    return u, v, peak * (u.unsqueeze(1) @ scaled @ v.unsqueeze(2))


def _peaked(M: Tensor) -> tuple[Tensor, Tensor]:
    """Return matrices over their largest entries, lest squares overflow, and these."""
    peak = _or_one(M.detach().abs().amax((1, 2), keepdim=True))
    return M / peak, peak


def _unit(x: Tensor, otherwise: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return torch.where(length == 0, otherwise, x / _or_one(length))


def _or_one(x: Tensor) -> Tensor:
    return torch.where(x == 0, 1, x)
