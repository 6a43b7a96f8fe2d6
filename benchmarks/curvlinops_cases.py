"""Hold Hessians and Gauss-Newton matrices against curvlinops, on cases as it tests.

    OMP_NUM_THREADS=1 python -m benchmarks.curvlinops_cases

Small networks by several criteria, as means and as sums, with inputs that are tensors
or mappings and targets with further axes, each in two batches of unequal size. Of each
the whole matrix, those of two halves of the parameters and those of each parameter are
compared in float64. It prints the cases that differ by more than 1e-9 of the largest
entry, or fail, and how many agree. A minute.
"""

from __future__ import annotations

import itertools
import sys
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import torch
from torch import Tensor, nn

from condlab.curvature import HessianOperator, gauss_newton, make_loss

AGREE = 1e-9
Inputs = Tensor | Mapping[str, Tensor]
Batches = list[tuple[Inputs, Tensor]]


class ReadsMapping(nn.Module):
    """Look the inputs up in a mapping."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.net = dense(10, outputs)

    def forward(self, data: Mapping[str, Tensor]) -> Tensor:
        """Return the outputs for what is called x."""
        return self.net(data["x"])


class ClassesSecond(nn.Module):
    """Move classes from the last axis to where torch's cross-entropy has them."""

    def __init__(self) -> None:
        super().__init__()
        self.net = dense(10, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (samples, classes, ...)."""
        return self.net(x).movedim(-1, 1)


def dense(inputs: int, outputs: int) -> nn.Sequential:
    """Return two layers with ReLU between."""
    return nn.Sequential(nn.Linear(inputs, 5), nn.ReLU(), nn.Linear(5, outputs))


def convolutional() -> nn.Sequential:
    """Return two convolutions with pooling, and a classifier."""
    stages = [(1, 3, 5), (3, 4, 5)]
    body = [
        layer
        for inputs, outputs, width in stages
        for layer in (nn.Conv2d(inputs, outputs, width), nn.ReLU(), nn.MaxPool2d(2))
    ]
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(64, 10))


@dataclass(frozen=True)
class Case:
    """A network, a criterion, the shape of a sample and of its target, and sizes."""

    name: str
    network: Callable[[], nn.Module]
    criterion: nn.Module
    inputs: tuple[int, ...]
    target: tuple[int, ...]
    classes: int  # 0 for real targets, 2 for probabilities that are 0 or 1
    sizes: tuple[int, int] = (3, 4)
    mapping: bool = False


def cases() -> Iterator[Case]:
    """Yield the cases."""
    for how in ("mean", "sum"):
        ce, mse = nn.CrossEntropyLoss(reduction=how), nn.MSELoss(reduction=how)
        bce = nn.BCEWithLogitsLoss(reduction=how)
        yield Case(f"classes, {how}", lambda: dense(10, 3), ce, (10,), (), 3)
        yield Case(f"labels, {how}", lambda: dense(10, 2), bce, (10,), (2,), 2)
        yield Case(f"one label, {how}", lambda: dense(10, 1), bce, (10,), (1,), 2)
        yield Case(f"real, {how}", lambda: dense(8, 3), mse, (8,), (3,), 0, (2, 6))
        yield Case(f"classes of 5, {how}", ClassesSecond, ce, (5, 10), (5,), 3)
        yield Case(f"labels of 5, {how}", lambda: dense(10, 2), bce, (5, 10), (5, 2), 2)
        yield Case(
            f"real of 5, {how}", lambda: dense(8, 3), mse, (5, 8), (5, 3), 0, (2, 6)
        )
    for name, outputs, criterion, target, classes in (
        ("classes", 2, nn.CrossEntropyLoss(), (), 2),
        ("labels", 1, nn.BCEWithLogitsLoss(), (1,), 2),
        ("real", 2, nn.MSELoss(), (2,), 0),
    ):
        yield Case(
            f"{name} of mappings",
            partial(ReadsMapping, outputs),
            criterion,
            (10,),
            target,
            classes,
            mapping=True,
        )
    images = nn.CrossEntropyLoss()
    yield Case("images", convolutional, images, (1, 28, 28), (), 10, (5, 5))


def data(case: Case) -> Batches:
    """Return two batches; of mappings each of another class."""
    made: Batches = []
    for size, kind in zip(case.sizes, (UserDict, dict), strict=True):
        x = torch.rand(size, *case.inputs, dtype=torch.float64)
        shape = (size, *case.target)
        if case.classes:
            y = torch.randint(case.classes, shape)
            y = y if isinstance(case.criterion, nn.CrossEntropyLoss) else y.double()
        else:
            y = torch.rand(shape, dtype=torch.float64)
        made.append((kind({"x": x}) if case.mapping else x, y))
    return made


def size_of(inputs: Inputs) -> int:
    """Return how many samples there are."""
    return len(inputs if isinstance(inputs, Tensor) else inputs["x"])


PARTS: dict[str, Callable[[int], list[int]]] = {
    "whole": lambda count: [count],
    "halves": lambda count: [count // 2, count - count // 2],
    "each": lambda count: [1] * count,
}


def compare(case: Case, kind: str, part: str, peer: ModuleType) -> float:
    """Return by how much the matrices differ, relative to the largest entry."""
    torch.manual_seed(0)
    net, batches = case.network().double(), data(case)
    params = dict(net.named_parameters())
    blocks = PARTS[part](len(params))
    make = HessianOperator if kind == "Hessian" else gauss_newton
    H = make(make_loss(net, case.criterion), params, batches)
    operator = {
        "Hessian": peer.HessianLinearOperator,
        "GGN": peer.GGNLinearOperator,
    }[kind]
    names, gaps, start = list(params), [], 0
    for size in blocks:
        own = names[start : start + size]
        ours = H.block(own).dense()
        theirs = operator(
            net,
            case.criterion,
            [params[name] for name in own],
            batches,
            batch_size_fn=size_of if case.mapping else None,
        )
        expected = theirs @ torch.eye(len(ours), dtype=torch.float64)
        gap = float((ours - expected).abs().max())
        gaps.append(gap / float(expected.abs().max()) if gap else 0.0)
        start += size
    return max(gaps)


def main() -> int:
    """Print what differs, and how many agree."""
    sys.modules.setdefault("torchvision", None)  # type: ignore[arg-type]  # not needed
    import curvlinops

    agree, total = 0, 0
    for case, kind, part in itertools.product(cases(), ("Hessian", "GGN"), PARTS):
        total += 1
        try:
            gap = compare(case, kind, part, curvlinops)
        except (ValueError, RuntimeError, TypeError) as error:
            print(f"{case.name}, {kind}, {part}: {error}")
            continue
        agree += gap <= AGREE
        if gap > AGREE:
            print(f"{case.name}, {kind}, {part}: differs by {gap:.1e}")
    print(f"{agree} of {total} agree to {AGREE:.0e}")
    return 0 if agree == total else 1


if __name__ == "__main__":
    sys.exit(main())
