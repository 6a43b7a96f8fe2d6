"""What lets a loss be differentiated twice: plain forms, and one thread at a time.

Attention is evaluated by its plain form, since the fused ones have no second
derivative; recurrent networks without cuDNN, whose kernels have none either, and in
evaluation mode not even the first. Weight normalisation is evaluated
by its formula: torch 2.13 differentiates the fused one twice without an error, and
wrongly, as its backward takes the norms that it saved for constants. A cross-entropy
of many classes is differentiated by formulas: torch's are slow and take much memory.

float32 is float32: on a GPU, cuDNN's convolutions round to 10 bits of 23 unless told
otherwise, which makes products sixty times as noisy.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from operator import attrgetter

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from condlab.curvature.evaluation._heads import NAMES, Heads

# torch.func.functional_call swaps a module's own parameters while it runs, and the
# choice of attention kernels is the process's: one thread at a time
_ONE_AT_A_TIME = threading.RLock()
WITHOUT_CUDNN = ("lstm", "gru", "rnn_tanh", "rnn_relu")


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """Round as dtypes say, whatever shorter formats the process allows for float32."""
    kinds = attrgetter(
        *("cudnn.conv", "cudnn.rnn", "cuda.matmul"),
        *("mkldnn.conv", "mkldnn.rnn", "mkldnn.matmul"),
    )(torch.backends)
    kept = [kind.fp32_precision for kind in kinds]
    for kind in kinds:
        kind.fp32_precision = "ieee"
    try:
        yield
    finally:
        for kind, precision in zip(kinds, kept, strict=True):
            kind.fp32_precision = precision


@contextlib.contextmanager
def _without_cudnn() -> Iterator[None]:
    kept = torch.backends.cudnn.enabled
    torch.backends.cudnn.enabled = False
    try:
        yield
    finally:
        torch.backends.cudnn.enabled = kept


@contextlib.contextmanager
def backwards() -> Iterator[None]:
    """Let graphs that are there be pulled back through, in one thread at a time."""
    with (
        _ONE_AT_A_TIME,
        torch.inference_mode(mode=False),
        torch.enable_grad(),
        full_precision(),
    ):
        yield


@contextlib.contextmanager
def differentiable() -> Iterator[None]:
    """Let what is evaluated be differentiated twice, in one thread at a time."""
    with backwards(), sdpa_kernel(SDPBackend.MATH), _uncompiled(), _Plain():
        yield


def _uncompiled() -> contextlib.AbstractContextManager[None]:
    """Call what torch.compile has made as it was written.

    Compiled code has no second derivative, and recompiles within each transformation.
    """
    if "torch._dynamo" not in sys.modules:  # takes seconds to load; nothing is compiled
        return contextlib.nullcontext()
    return torch.compiler.set_stance("force_eager")


def _weight_norm(v: Tensor, g: Tensor, dim: int = 0) -> Tensor:
    """Return g v / |v|, as `torch._weight_norm` does, by what has derivatives."""
    return v * (g / torch.norm_except_dim(v, 2, dim))


def _weight_norm_interface(v: Tensor, g: Tensor, dim: int = 0) -> tuple[Tensor, Tensor]:
    """Return the weight and the norms, as the fused kernel does."""
    norms = torch.norm_except_dim(v, 2, dim)
    return v * (g / norms), norms


PLAIN: dict[str, Callable] = {
    "_weight_norm": _weight_norm,
    "_weight_norm_interface": _weight_norm_interface,
}


class _Plain(TorchFunctionMode):
    """Call plain forms instead of what torch differentiates wrongly or at length."""

    def __init__(self) -> None:
        super().__init__()
        self._heads = Heads()

    def __torch_function__(
        self,
        func: Callable,
        types: object,
        args: tuple = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        name = getattr(func, "__name__", "")
        kwargs = kwargs or {}
        if name.startswith("_weight_norm"):  # an overload's name ends in ".default"
            func = PLAIN.get(name.split(".")[0], func)
        if name in ("embedding", "embedding_bag") and kwargs.get("sparse"):
            kwargs = {**kwargs, "sparse": False}  # a gradient of the same values
        if name in NAMES:
            return self._heads.call(name, func, args, kwargs)
        if name in WITHOUT_CUDNN:
            with _without_cudnn():
                return func(*args, **kwargs)
        return func(*args, **kwargs)


class PaddingRows(TorchFunctionMode):
    """Rows of embeddings that torch takes for constants, as they are at one point.

    The first evaluation records them, each later one within `held` replays them: the
    gradient with a padding row is zero by torch's convention, and differences of the
    loss must then leave it where it is, conditioned or not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Tensor] = []
        self._replayed: Iterator[Tensor] | None = None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Put the rows of the first evaluation in place during one more."""
        self._replayed = iter(self.rows)
        with self:
            yield

    def __torch_function__(
        self,
        func: Callable,
        types: object,
        args: tuple = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        found = func(*args, **(kwargs or {}))
        if func is not torch.nn.functional.embedding:
            return found
        given = _EMBEDDING.bind(*args, **(kwargs or {})).arguments
        ids, weight, padding = given["input"], given["weight"], given.get("padding_idx")
        if padding is None:
            return found
        if self._replayed is None:
            self.rows.append(weight[padding].detach())
            return found
        row = next(self._replayed).to(found.dtype)
        return torch.where((ids == padding % len(weight))[..., None], row, found)


_EMBEDDING = inspect.signature(torch.nn.functional.embedding)
