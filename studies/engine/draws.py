"""Random draws of a part of a batch that are those of the whole batch.

What layers draw depends on the shapes they see. So each part draws for the whole batch,
from the same seed, and takes its own samples: dropout, jitter and noise are then the
same however the batch is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

# They draw as many numbers for an entry whatever its value. Others, such as Poisson's
# and the slopes of RReLU, do not, so that later samples' draws depend on earlier ones.
EVEN = (
    "bernoulli", "bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_",
    "native_dropout", "normal", "normal_", "rand", "rand_like", "randint",
    "randint_like", "randn", "randn_like", "random_", "uniform_",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Samples `start` to `stop` of a batch of `whole`, and what their loss counts."""

    start: int
    stop: int
    whole: int
    weight: float = 1.0

    @property
    def size(self) -> int:
        """Return how many samples these are."""
        return self.stop - self.start

    def of(self, tensor: Tensor, dim: int = 0, each: int = 1) -> Tensor:
        """Return the part of a tensor that has `each` entries a sample along `dim`."""
        return tensor.narrow(dim, each * self.start, each * self.size)


Shape = tuple[int, ...] | float | None  # or a number; None is anything else
Operation = OpOverload[..., object]


class Call(NamedTuple):
    """A call that draws: arguments by shape, and in which order they are in memory."""

    name: str
    arguments: tuple[Shape, ...]
    orders: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one operation draws: per argument its shape, and where samples are.

    An argument's samples are along `dims[i]`, `each[i]` entries for one; -1 where the
    argument does not grow with the batch. The order in memory is that of two samples:
    of one it cannot be told.
    """

    call: Call
    dims: tuple[int, ...]
    each: tuple[int, ...]

    def fits(self, call: Call, size: int) -> bool:
        """Return whether a call on so many samples is this one."""
        known = self.call
        if call.name != known.name or len(call.arguments) != len(known.arguments):
            return False
        places = zip(known.arguments, self.dims, self.each, strict=True)
        expected = (
            _grown(shape, dim, each * size)
            if isinstance(shape, tuple) and dim >= 0
            else shape
            for shape, dim, each in places
        )
        return call.arguments == tuple(expected)


class Noting(TorchDispatchMode):
    """Note every operation that draws."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Call] = []

    def __torch_dispatch__(
        self,
        func: Operation,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Do the operation, and keep its name and the shapes of its arguments."""
        if _draws(func, args, kwargs or {}):
            self.found.append(_call(func, args))
        return func(*args, **(kwargs or {}))


class WholeDraws(TorchDispatchMode):
    """Draw for the whole batch, and take a place's samples."""

    def __init__(self, layout: list[Drawn], place: Place) -> None:
        super().__init__()
        self.layout, self.place, self.next = layout, place, 0

    def __torch_dispatch__(
        self,
        func: Operation,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Do the operation; on the whole batch's shape where it draws."""
        kwargs = kwargs or {}
        if not _draws(func, args, kwargs):
            return func(*args, **kwargs)
        drawn = self._known(_call(func, args))
        if max(drawn.dims, default=-1) < 0:
            return func(*args, **kwargs)
        big = [self._enlarged(a, drawn, i) for i, a in enumerate(args)]
        made = func(*big, **kwargs)
        at = next(i for i, dim in enumerate(drawn.dims) if dim >= 0)
        dim, each = drawn.dims[at], drawn.each[at]
        if func._schema.is_mutable:
            own, whole = args[0], big[0]
            assert isinstance(own, Tensor)
            assert isinstance(whole, Tensor)
            return own.copy_(self.place.of(whole, dim, each))
        if isinstance(made, tuple):
            return tuple(self.place.of(part, dim, each).clone() for part in made)
        assert isinstance(made, Tensor)
        return self.place.of(made, dim, each).clone()

    def _known(self, call: Call) -> Drawn:
        """Return the operation of the layout: the next one, or the only one alike."""
        size = self.place.size
        if self.next < len(self.layout) and self.layout[self.next].fits(call, size):
            self.next += 1
            return self.layout[self.next - 1]
        alike = {drawn for drawn in self.layout if drawn.fits(call, size)}
        if len(alike) != 1:
            raise ValueError(
                "what the network draws must not change from step to step where a "
                f"batch is cut, got {call.name} of {call.arguments}; train in one "
                "process and one part"
            )
        return alike.pop()

    def _enlarged(self, argument: object, drawn: Drawn, i: int) -> object:
        """Return an argument as it is of the whole batch."""
        dim, each = drawn.dims[i], drawn.each[i]
        if dim < 0:
            return argument
        if isinstance(argument, list | tuple):
            return _grown(tuple(argument), dim, each * self.place.whole)
        assert isinstance(argument, Tensor)  # nothing else grows with the batch
        big = torch.empty_permuted(
            _grown(tuple(argument.shape), dim, each * self.place.whole),
            drawn.call.orders[i],
            dtype=argument.dtype,
            device=argument.device,
        ).zero_()
        self.place.of(big, dim, each).copy_(argument)
        return big


def note(work: Callable[[], object]) -> list[Call]:
    """Return what a piece of work draws, in order."""
    with Noting() as noting:
        work()
    return noting.found


def layout_of(two: list[Call], three: list[Call]) -> list[Drawn]:
    """Return where samples are in each draw, from those of two and of three samples.

    Raises
    ------
    ValueError
        If a draw is not of so many entries for each sample.
    """
    if [call.name for call in two] != [call.name for call in three]:
        raise ValueError(
            "what the network draws must grow with the batch alone where a batch is "
            f"cut, got {len(two)} draws for two samples and {len(three)} for three; "
            "train in one process and one part"
        )
    return [_drawn(a, b.arguments) for a, b in zip(two, three, strict=True)]


def _drawn(two: Call, three: tuple[Shape, ...]) -> Drawn:
    places = [_samples(a, b) for a, b in zip(two.arguments, three, strict=True)]
    alone = all(dim == -1 for dim, _ in places)
    if any(dim == -2 for dim, _ in places) or not (alone or two.name in EVEN):
        raise ValueError(
            f"{two.name} draws for a batch as a whole, so that no part of it can be "
            "drawn alone; train in one process and one part, or replace it"
        )
    return Drawn(two, *(tuple(column) for column in zip(*places, strict=True)))


def _samples(two: Shape, three: Shape) -> tuple[int, int]:
    """Return along which dimension samples are, how many entries each; -2: neither."""
    if two == three:
        return -1, 0
    if not (isinstance(two, tuple) and isinstance(three, tuple)):
        return -2, 0
    if len(two) != len(three):
        return -2, 0
    unlike = [d for d, (a, b) in enumerate(zip(two, three, strict=True)) if a != b]
    dim = unlike[0]
    each = three[dim] - two[dim]
    alone = len(unlike) == 1 and two[dim] == 2 * each
    return (dim, each) if alone else (-2, 0)


def _grown(shape: tuple[int, ...], dim: int, length: int) -> tuple[int, ...]:
    return (*shape[:dim], length, *shape[dim + 1 :])


def _shape(argument: object) -> Shape:
    if isinstance(argument, Tensor):
        return tuple(argument.shape)
    if isinstance(argument, list | tuple):
        return tuple(argument)
    return argument if isinstance(argument, int | float) else None


def _call(func: Operation, args: tuple[object, ...]) -> Call:
    shapes, orders = [], []
    for argument in args:
        shapes.append(_shape(argument))
        strides = argument.stride() if isinstance(argument, Tensor) else ()
        orders.append(
            tuple(sorted(range(len(strides)), key=strides.__getitem__, reverse=True))
        )
    return Call(func.overloadpacket.__name__, tuple(shapes), tuple(orders))


def _draws(
    func: Operation, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> bool:
    """Return whether an operation draws: a fused kernel may, if its dropout is on."""
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return False
    named = dict(zip((a.name for a in func._schema.arguments), args, strict=False))
    named |= kwargs
    rates = [named[name] for name in ("dropout_p", "dropout") if name in named]
    kernel = any(a.name in ("dropout_p", "dropout") for a in func._schema.arguments)
    return any(rate for rate in rates) if kernel else True
