"""MINRES and CG for several right-hand sides at once, on their device, in their dtype.

SciPy's take one vector at a time, in float64 on the CPU. Here each column has its own
recurrence, and the columns share the products.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

Multiply = Callable[[Tensor], Tensor]
NULL = 100  # times eps |A|: an image of a unit vector that is rounding
FLAT = 4  # times sqrt(n) eps: a form p'A p that is rounding, of |p| |A p|


class Recurrence(Protocol):
    """What solves A X = B by steps.

    Attributes
    ----------
    X : Tensor, shape (n, k)
        The solution so far.
    residual : Tensor, shape (k,)
        The norms of its residuals, as the recurrence has them: a hint.
    """

    X: Tensor
    residual: Tensor

    def step(self, multiply: Multiply) -> Tensor:
        """Multiply once; return which columns are stuck, shape (k,)."""

    def select(self, kept: Tensor) -> None:
        """Go on with some of the columns."""


class _Columns:
    """Tensors whose last axis runs over the columns."""

    def select(self, kept: Tensor) -> None:
        """Go on with some of the columns."""
        for name, value in vars(self).items():
            setattr(self, name, value[..., kept])


class Minres(_Columns):
    """The least residual in each Krylov space, for any symmetric matrix.

    A column is stuck where its residual is a null vector up to rounding: then no
    other vector has a smaller residual.

    References
    ----------
    .. [1] C. C. Paige and M. A. Saunders, "Solution of sparse indefinite systems of
       linear equations", SIAM J. Numer. Anal. 12(4), 1975, Section 4.

    Examples
    --------
    >>> A = torch.diag(torch.tensor([-2.0, 4.0], dtype=torch.float64))
    >>> run = Minres(torch.ones(2, 1, dtype=torch.float64))
    >>> for _ in range(2):
    ...     stuck = run.step(lambda V: A @ V)
    >>> run.X.T
    tensor([[-0.5000,  0.2500]], dtype=torch.float64)
    """

    def __init__(self, B: Tensor) -> None:
        zero = torch.zeros_like(B)
        none = torch.zeros_like(B[0])
        self.X, self.residual = zero.clone(), B.norm(dim=0)
        self._new, self._old = B / self.residual, zero
        self._w, self._w_old = zero, zero
        self._beta, self._bar, self._above = none, none, none
        self._cos, self._sin = none - 1, none
        self.peak = none  # the longest image of a unit vector: at most |A|

    def step(self, multiply: Multiply) -> Tensor:
        """Multiply once; return which columns are stuck, shape (k,)."""
        image = multiply(self._new)
        self.peak = self.peak.maximum(image.norm(dim=0))
        ahead = image - self._beta * self._old  # first: Paige, 1972, loses least
        alpha = (self._new * ahead).sum(dim=0)
        ahead = ahead - alpha * self._new
        beta = ahead.norm(dim=0)
        # the last rotation, then the next one
        above, delta = self._above, self._cos * self._bar + self._sin * alpha
        bar = self._sin * self._bar - self._cos * alpha
        self._above, self._bar = self._sin * beta, -self._cos * beta
        null = bar.hypot(self._bar) <= NULL * _eps(image) * self.peak
        size = bar.hypot(beta).where(~null, 1.0)
        self._cos, self._sin = bar / size, beta / size
        w = (self._new - above * self._w_old - delta * self._w) / size
        self._w_old, self._w = self._w, w
        self._old, self._beta = self._new, beta
        self._new = ahead / beta.where(beta > 0, 1.0)
        stuck = self._move(self._cos * self.residual * w, null)
        self.residual = torch.where(stuck, 1.0, self._sin) * self.residual
        return stuck

    def _move(self, D: Tensor, null: Tensor) -> Tensor:
        """Add to the solution unless it is stuck; return where it is.

        It also is where the step outgrows the solution, and lowers the residual by
        less than the rounding of its own image.
        """
        length = D.norm(dim=0)
        gain = (1 - self._sin.abs()) * self.residual
        outgrown = length > self.X.norm(dim=0).maximum(self.residual / self.peak)
        stuck = null | (outgrown & (gain < _eps(D) * self.peak * length))
        self.X = self.X + torch.where(stuck, 0.0, 1.0) * D
        return stuck


class ConjugateGradients(_Columns):
    """The least error in the energy norm in each Krylov space, for a definite matrix.

    A column is stuck where it meets a direction whose curvature is not positive; A is
    to be of middling size, as `Products` scales it.

    References
    ----------
    .. [1] M. R. Hestenes and E. Stiefel, "Methods of conjugate gradients for solving
       linear systems", J. Res. Nat. Bur. Standards 49, 1952, Section 3.

    Examples
    --------
    >>> A = torch.diag(torch.tensor([2.0, 4.0], dtype=torch.float64))
    >>> run = ConjugateGradients(torch.ones(2, 1, dtype=torch.float64))
    >>> for _ in range(2):
    ...     stuck = run.step(lambda V: A @ V)
    >>> run.X.T
    tensor([[0.5000, 0.2500]], dtype=torch.float64)
    """

    def __init__(self, B: Tensor) -> None:
        self.X, self.residual = torch.zeros_like(B), B.norm(dim=0)
        self._rest = self._along = B
        self.curvature = torch.full_like(B[0], math.inf)  # where it is stuck
        self._peak = torch.full_like(B[0], len(B) ** -0.5)  # at most |A|, if that is 1

    def step(self, multiply: Multiply) -> Tensor:
        """Multiply once; return which columns are stuck, shape (k,)."""
        p = self._along
        image = multiply(p)
        form, length = (p * image).sum(dim=0), p.norm(dim=0)
        rate = image.norm(dim=0) / length
        self._peak = self._peak.maximum(rate)
        unit = FLAT * math.sqrt(len(p)) * _eps(p)
        curvature = form / length.square()
        stuck = curvature <= unit * rate
        # a null vector's image is itself rounding, of |A|
        below = torch.where(curvature < -unit * self._peak, curvature, 0.0)
        self.curvature = torch.where(stuck, below, self.curvature)
        step = torch.where(stuck, 0.0, self.residual.square() / form.where(~stuck, 1.0))
        self.X = self.X + step * p
        self._rest = self._rest - step * image
        before, self.residual = self.residual, self._rest.norm(dim=0)
        self._along = self._rest + (self.residual / before).square() * p
        return stuck


def _eps(x: Tensor) -> float:
    return torch.finfo(x.dtype).eps
