"""The Hessian of a network as one record."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from condlab.cli._models import Problem, require_loss
from condlab.types import Record

if TYPE_CHECKING:
    from torch import Tensor

    from condlab.curvature import Examination


def examined(
    args: argparse.Namespace,
    problem: Problem,
    progress: Callable[[str], object],
    *,
    vectors: int = 0,
) -> tuple[Record, Examination]:
    """Return what the table and the JSON say, and what it was read off."""
    import torch

    from condlab.curvature import examine, make_loss

    named = problem.module.named_parameters()
    params: dict[str, Tensor] = {n: p for n, p in named if p.requires_grad}
    loss = make_loss(problem.module, problem.criterion)
    require_loss(args.model, loss, params, problem.batches)
    found = examine(
        problem.module,
        problem.criterion,
        problem.batches,
        gauge=args.gauge,
        method=args.method,
        num_matvecs=args.products,
        interior=args.interior,
        vectors=vectors,
        backend=args.backend,
        generator=torch.Generator().manual_seed(args.seed),
        progress=progress,
    )
    sharpness = None if args.lr is None else found.sharpness(args.lr)
    return {"model": args.model, **found.to_dict(), "sharpness": sharpness}, found


def spread(args: argparse.Namespace, found: Examination) -> Record:
    """Return how the eigenvalues are spread, having drawn the figure."""
    import torch

    known = found.spectrum()
    generator = torch.Generator().manual_seed(args.seed)
    steps = {} if args.products is None else {"num_matvecs": args.products}
    seen = found.density(num_probes=args.probes, generator=generator, **steps)
    if args.figure is not None:
        from condlab.plots.spectra import draw_spectrum

        draw_spectrum(known, seen, found.condition, args.figure, title=args.model)
    x = sorted({0.0, *known.values.tolist()})
    band = seen.cumulative(x)
    return {
        "ritz": {"values": known.values, "radii": known.radii},
        "density": {"x": x, "value": band.value}
        | {"lower": band.lower, "upper": band.upper},
    }
