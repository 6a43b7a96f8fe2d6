"""The Hessian of a loss as a linear operator that is never formed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NoReturn, Unpack

import scipy.sparse.linalg as spla
import torch
from torch import Tensor

from condlab.curvature.evaluation._data import Data
from condlab.curvature.evaluation._parameters import Flat
from condlab.curvature.evaluation.backends import Backend
from condlab.curvature.evaluation.losses import Batch, Loss
from condlab.curvature.operators._point import Point
from condlab.curvature.operators._probe import BACKENDS, Candidates, Choice, Timing
from condlab.curvature.operators.blocks import NotAStackError, assemble_stack
from condlab.spectra._products import to_scipy
from condlab.spectra.assembly import AssemblyOptions, assemble, require_room

BackendName = Literal["auto", "retained", "rebuilt", "forward", "batched"]


class CurvatureOperator:
    """Symmetric matrix over the parameters of a loss, known by its products.

    Made by `HessianOperator`, `gauss_newton` and `empirical_fisher`. The parameters
    are copied: the matrix stays that of the point where it was made. Vectors are
    torch tensors of the parameters' dtype and device.

    Attributes
    ----------
    shape : tuple of int
        (n, n), where n is the number of parameters.
    dtype : torch.dtype
        That of the parameters.
    device : torch.device
        That of the parameters.
    params : dict of str to Tensor
        The point, detached; a vector is laid out in this order.
    backend : str
        What multiplies with one vector.
    matrix_backend : str
        What multiplies with several.
    timings : tuple of Timing
        What was tried on the first batch, and the seconds that a vector took, or why
        it is not used.
    noise : float
        By how much products were seen to be off when they were held against
        differences of the gradient, and those of the gradient against the loss.
    point : Point
        The loss, the parameters and the batches.
    products : int
        With how many vectors it has been multiplied.
    """

    def __init__(
        self,
        point: Point,
        choice: Choice,
        remake: Callable[[Loss, dict[str, Tensor]], CurvatureOperator],
    ) -> None:
        self.point, self._remake = point, remake
        self._vector, self._matrix = choice.vector, choice.matrix
        self.timings: tuple[Timing, ...] = choice.timings
        self.noise = choice.noise * point.data.times * sum(point.data.weights)
        self.products = 0
        point.check.forget()

    @property
    def shape(self) -> tuple[int, int]:
        """Return (n, n)."""
        return (self.layout.size, self.layout.size)

    @property
    def dtype(self) -> torch.dtype:
        """Return the dtype of the parameters and the products."""
        return self.layout.dtype

    @property
    def device(self) -> torch.device:
        """Return the device of the parameters and the products."""
        return self.layout.device

    @property
    def layout(self) -> Flat:
        """Return names, shapes and places of the parameters within a vector."""
        return self.point.flat

    @property
    def params(self) -> dict[str, Tensor]:
        """Return the point where the matrix is taken, detached."""
        return self.point.params

    @property
    def backend(self) -> str:
        """Return the name of what multiplies with one vector."""
        return self._vector.name

    @property
    def matrix_backend(self) -> str:
        """Return the name of what multiplies with several vectors."""
        return self._matrix.name

    def __repr__(self) -> str:
        n = self.shape[0]
        dtype = str(self.dtype).removeprefix("torch.")
        return f"{type(self).__name__}({n} x {n}, {dtype}, {self.backend})"

    def __matmul__(self, V: Tensor) -> Tensor:
        """Return the product with a vector, shape (n,), or a matrix, shape (n, k)."""
        self._require_vectors(V)
        if V.ndim == 1:
            return self._rows(self._vector, V[None, :])[0]
        if V.shape[1] == 0:
            return torch.zeros_like(V)
        backend = self._vector if V.shape[1] == 1 else self._matrix
        return self._rows(backend, V.T).T

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse copies and pickles: graphs and losses have none."""
        del protocol
        raise TypeError(
            f"{type(self).__name__} holds graphs, which cannot be copied or pickled; "
            "save H.dense() or what was computed from H, or make H again"
        )

    def _rows(self, backend: Backend, rows: Tensor) -> Tensor:
        rows, total = rows.detach(), None
        for i, batch, weight in self.point.data:
            if weight == 0:
                continue
            product = backend.product(i, batch, rows)
            if total is None:
                total = product if weight == 1 else product.mul_(weight)
            else:
                total.add_(product, alpha=weight)
        self.products += len(rows)
        assert total is not None  # some batch counts
        return total

    def _require_vectors(self, V: object) -> None:
        n = self.shape[0]
        if not isinstance(V, Tensor):
            raise TypeError(
                f"a torch tensor is needed, got {type(V).__name__}; use "
                "H.to_scipy() for NumPy arrays"
            )
        if V.ndim not in (1, 2) or V.shape[0] != n:
            raise ValueError(
                f"shape ({n},) or ({n}, k) is needed, got {tuple(V.shape)}; "
                "H.flatten makes a vector of a dict of tensors"
            )
        if (V.dtype, V.device) != (self.dtype, self.device):
            raise ValueError(
                f"{self.dtype} on {self.device} is needed, got {V.dtype} on "
                f"{V.device}; convert it with V.to(H.device, H.dtype)"
            )

    def flatten(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Return tensors of the parameters' shapes as one vector, shape (n,)."""
        return self.layout.flatten(tensors)

    def unflatten(self, v: Tensor) -> dict[str, Tensor]:
        """Return a vector, shape (n,), as tensors of the parameters' shapes."""
        return self.layout.unflatten(v)

    def gradient(self) -> Tensor:
        """Return the gradient of the loss over all batches, shape (n,)."""
        return self.point.gradient()

    def dense(self, **options: Unpack[AssemblyOptions]) -> Tensor:
        """Return the matrix, shape (n, n), symmetric; see `assemble` for options."""
        return assemble(self, **options)

    def block(self, patterns: str | Iterable[str]) -> CurvatureOperator:
        """Return the diagonal block of the parameters whose names match.

        Parameters
        ----------
        patterns : str or iterable of str
            Globs, such as "layers.0.*". The other parameters are held where they are.

        Raises
        ------
        ValueError
            If a glob matches no parameter.
        """
        return self._remake(*self.point.restrict(patterns))

    def to_scipy(self) -> spla.LinearOperator:
        """Return the operator for NumPy arrays, copied from and to the device."""
        return to_scipy(self)


class HessianOperator(CurvatureOperator):
    """Hessian of the loss of all data, as an operator, however they are cut in batches.

    Parameters
    ----------
    loss : callable
        ``loss(params, batch)`` gives a scalar tensor, a mean or a sum over the batch,
        and depends on nothing else; `make_loss` makes one of a module and a criterion.
    params : dict of str to Tensor
        Float32 or float64; copied.
    batches : list, or iterable that can be read again
        Anything that `loss` takes. A data loader is read for each product, and must
        not shuffle; a list is held.
    weights : sequence of float, optional
        One a batch: then the matrix is that weighted mean of the batches' by
        definition. By default it is that of the loss of all data; see Notes.
    backend : {"auto", "retained", "rebuilt", "forward", "batched"}
        "retained" keeps the graph of the gradient and differentiates it again for
        each vector; "rebuilt" forgets it; "forward" pushes a tangent through the
        gradient; "batched" pulls several vectors back together. "auto" tries them on
        the first batch, holds them against each other and takes the cheapest, for
        single vectors and for several each.
    memory : float, optional
        Bytes for graphs that are kept; half of what is free by default. The graphs of
        batches that do not fit are rebuilt for each product, and a large batch whose
        own does not is multiplied in parts, if its loss is a mean or a sum over them.

    Raises
    ------
    ValueError
        If two evaluations differ (dropout, shuffled batches), evaluating changes the
        module (batch normalisation in training mode), products are not symmetric, or
        two backends disagree.

    Notes
    -----
    What a batch counts is read off the loss function of torch's that its loss is: the
    weights of the classes of its targets that are not ignored, its number of tokens or
    elements, its samples, or 1 for a sum. A loss of one's own is a mean over samples
    or a sum. Where there are several batches, the gradients of one and of two parts of
    it are held against that, and what does not obey it is refused: samples that see
    each other, as in contrastive losses, or means over what nothing tells.

    Where the loss has kinks, as with ReLU, this is the Hessian almost everywhere: it
    sees nothing of what the kinks add. Fused attention is replaced by its plain form,
    which can be differentiated twice; `torch.nn.functional.cross_entropy` of at least
    4,096 classes, of what `linear` gives, is differentiated by formulas that keep only
    the logits. ``H @ V`` multiplies with a vector, shape (n,), or a matrix, shape
    (n, k). Several vectors together are not tried on large batches.

    References
    ----------
    .. [1] B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural
       Computation 6(1), 1994, Section 2.

    Examples
    --------
    >>> def loss(params, x):
    ...     return (x @ params["w"]).square().mean()
    >>> x = torch.tensor([[1.0, 0.0], [1.0, 2.0]])
    >>> H = HessianOperator(loss, {"w": torch.ones(2)}, [x])
    >>> H @ torch.tensor([1.0, 0.0])
    tensor([2., 2.])
    """

    def __init__(
        self,
        loss: Loss,
        params: Mapping[str, Tensor],
        batches: Iterable[Batch],
        *,
        weights: Sequence[float] | None = None,
        backend: BackendName = "auto",
        memory: float | None = None,
    ) -> None:
        if backend not in BACKENDS:
            raise ValueError(
                f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}"
            )
        point = Point.of(loss, params, batches, weights, memory, in_parts=True)
        if not isinstance(batches, Data):  # a block may be one that nothing uses
            point.require_reached()

        def remake(loss: Loss, params: dict[str, Tensor]) -> HessianOperator:
            return HessianOperator(
                loss, params, point.data, backend=backend, memory=memory
            )

        super().__init__(point, Candidates(point).choose(backend), remake)

    def dense(self, **options: Unpack[AssemblyOptions]) -> Tensor:
        """Return the matrix, shape (n, n), symmetric.

        Stacks of linear layers are assembled sample by sample, see `assemble_stack`;
        everything else, and whatever options of `assemble` are given, by columns.
        """
        if not options:
            require_room(self)
            with contextlib.suppress(NotAStackError):
                return assemble_stack(self)
        return assemble(self, **options)
