"""Products over several processes, each with its own part of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Unpack

import scipy.sparse.linalg as spla
import torch
from torch import Tensor
from torch import distributed as dist

from condlab.curvature.evaluation._parameters import Flat
from condlab.curvature.operators._over_parameters import OverParameters
from condlab.machine.ranks import Ranks
from condlab.spectra._products import to_scipy
from condlab.spectra.assembly import AssemblyOptions


class DataParallel:
    """Weighted mean of the operators of all processes, one all-reduce a product.

    Run the same script on each, as `torchrun` does, with an initialised process group
    (gloo on CPUs, NCCL on GPUs). All of `spectrum`, `condition_number`, `density` and
    the rest take it for an operator, and give the same on every process if generators
    are seeded alike. Of a Lanczos basis each process keeps a part of the columns, in
    memory or on its disk, and the first one has the checkpoint. What one process
    raises, all raise; one that has ended or does not answer is named by the others.

    Parameters
    ----------
    inner : CurvatureOperator
        The operator over this process's batches, at the same parameters everywhere.
    weight : float
        What this process counts: what the mean of its loss is divided by, such as the
        number of its samples, or of its tokens.
    group : process group, optional
        The default one otherwise.

    Raises
    ------
    ValueError
        If processes are at different parameters, or the weights make no sense; here
        and later, if the operator of any process raises.
    ConnectionError
        Later, if a process has ended, or does not answer within the group's timeout.

    Examples
    --------
    In each of the processes that ``torchrun --nproc-per-node 2 script.py`` starts::

        dist.init_process_group("gloo")
        mine = samples[dist.get_rank() :: dist.get_world_size()]
        H = DataParallel(HessianOperator(loss, params, [mine]), len(mine))
        print(spectrum(H).values)
    """

    def __init__(
        self,
        inner: OverParameters,
        weight: float,
        group: dist.ProcessGroup | None = None,
    ) -> None:
        self.inner, self.ranks = inner, Ranks(group)
        self.shape, self.dtype, self.device = inner.shape, inner.dtype, inner.device
        self.ranks.together(lambda: _require_weight(weight))
        self.ranks.require_same("shape and dtype", [tuple(self.shape), str(self.dtype)])
        total = self.ranks.total(torch.tensor([weight], dtype=torch.float64))
        if not float(total) > 0:
            raise ValueError("the weights of all processes are 0")
        self.share = weight / float(total)
        self._require_same_point()
        own = self.share * float(getattr(inner, "noise", 0.0))
        self.noise = float(self.ranks.total(torch.tensor([own], dtype=torch.float64)))

    @property
    def params(self) -> dict[str, Tensor]:
        """Return the point, detached."""
        return self.inner.params

    @property
    def layout(self) -> Flat:
        """Return names, shapes and places of the parameters within a vector."""
        return self.inner.layout

    def flatten(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Return tensors of the parameters' shapes as one vector, shape (n,)."""
        return self.inner.flatten(tensors)

    def unflatten(self, v: Tensor) -> dict[str, Tensor]:
        """Return a vector, shape (n,), as tensors of the parameters' shapes."""
        return self.inner.unflatten(v)

    def __matmul__(self, V: Tensor) -> Tensor:
        """Return the product with a vector, shape (n,), or a matrix, shape (n, k)."""
        return self._sum(lambda: self.share * (self.inner @ V))

    def dense(self, **options: Unpack[AssemblyOptions]) -> Tensor:
        """Return the matrix, shape (n, n), from those of all processes.

        Each assembles its own: chunks timed apart would differ, and reductions of
        different sizes abort.
        """
        return self._sum(lambda: self.inner.dense(**options).mul_(self.share))

    def to_scipy(self) -> spla.LinearOperator:
        """Return the operator for NumPy arrays; all processes must multiply."""
        return to_scipy(self)

    def gradient(self) -> Tensor:
        """Return the gradient of the loss over all processes, shape (n,)."""
        return self._sum(lambda: self.share * self.inner.gradient())

    def _sum(self, part: Callable[[], Tensor]) -> Tensor:
        with self.ranks.heard():  # else the others would wait for its part
            own = part()
        return self.ranks.total(own)

    def _require_same_point(self) -> None:
        mine = self.flatten(self.params)
        first = self.ranks.from_first(mine.clone())
        if float(self.ranks.total((mine != first).sum().reshape(1))):
            raise ValueError(
                "all processes must be at the same parameters; broadcast those of one"
            )


def _require_weight(weight: float) -> None:
    if not 0 <= weight < float("inf"):
        raise ValueError(f"weight must be finite and not negative, got {weight}")
