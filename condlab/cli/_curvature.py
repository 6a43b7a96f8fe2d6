"""The Hessian of a network as one record."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, replace
from typing import Any

from condlab.cli._models import Problem, require_loss

_GRAM = 2000  # outputs, or parameters, whose Gauss-Newton matrix takes seconds
_EXACT = 4096  # rows up to which a matrix is assembled, unless Lanczos is asked for
_SHARE = 8  # of the products, one in so many for the directions predicted to be null
_NOISY = 1e-2  # of the largest |eigenvalue|: more leaves not two digits
STEPS = 60  # of Lanczos for each probe of the density
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """A Hessian, the same in its gauge, and its condition."""

    H: Any
    K: Any
    condition: Any

    def spectrum(self) -> Any:
        """Return what is known of all eigenvalues, predicted null ones included."""
        import torch

        found, rest = self.condition, self.condition.spectrum
        zeros = torch.zeros(found.predicted, dtype=torch.float64)
        values = torch.cat([rest.values, zeros])
        radii = torch.cat(
            [rest.radii + (found.noise - rest.noise), zeros + found.noise]
        )
        order = values.argsort(stable=True)
        return replace(rest, values=values[order], radii=radii[order], size=found.size)


def examine(
    args: argparse.Namespace, problem: Problem, progress: Any, *, vectors: int = 0
) -> tuple[Record, Look]:
    """Return what the table and the JSON say, and what it was read off."""
    from condlab.curvature import HessianOperator, make_loss

    params = {n: p for n, p in problem.module.named_parameters() if p.requires_grad}
    loss = make_loss(problem.module, problem.criterion)
    require_loss(args.model, loss, params, problem.batches)
    H = HessianOperator(loss, params, problem.batches, backend=args.backend)
    G, unable = _gauss_newton(H, problem.batches)
    progress(f"multiplying with the Hessian of {H.shape[0]} parameters")
    look = _look(args, H, problem.module, vectors)
    if G is not None:
        progress("multiplying out the Gauss-Newton matrix")
    record = {
        "model": args.model,
        "parameters": H.shape[0],
        "dtype": str(H.dtype).removeprefix("torch."),
        "device": str(H.device),
        "backend": H.backend,
        **_plain(look.condition),
        **_of_gauss_newton(G, unable),
        "noisy": _noisy(look, problem.module),
        "sharpness": None if args.lr is None else _sharpness(look.condition, args.lr),
    }
    return record, look


def _look(args: argparse.Namespace, H: Any, module: Any, vectors: int) -> Look:
    import torch

    from condlab.curvature import condition, find_invariances

    K = _in_sphere(H, module) if args.gauge == "sphere" else H
    assembled = H.shape[0] <= (args.products or _EXACT) and args.method != "lanczos"
    made = H.shape[0] if assembled else args.products or 100
    found = condition(
        K,
        method=args.method,
        num_matvecs=args.products,
        interior=args.interior,
        invariances=find_invariances(H, module, most=made // _SHARE),
        generator=torch.Generator().manual_seed(args.seed),
        vectors=vectors,
    )
    return Look(H, K, found)


def _in_sphere(H: Any, module: Any) -> Any:
    from condlab.curvature import normalised_lines, sphere

    lines = {n: k for n, k in normalised_lines(module).items() if n in H.params}
    if not lines:
        raise ValueError(
            "the sphere gauge needs layers of condlab.nn.condition that train and are "
            "not frozen, and the model has none; leave out --gauge"
        )
    return sphere(H, lines)


def _plain(found: Any) -> Record:
    record = asdict(replace(found, spectrum=None))
    del record["spectrum"]
    record["quantiles"] = {str(q): e for q, e in record["quantiles"].items()}
    return record


def _gauss_newton(H: Any, batches: Any) -> tuple[Any, str]:
    """Return the Gauss-Newton matrix where it takes seconds, or why there is none."""
    from condlab.curvature import gauss_newton
    from condlab.curvature.gram import count_outputs

    try:
        G = gauss_newton(H.point.loss, H.params, batches)
        outputs = count_outputs(G)
    except (ValueError, TypeError, RuntimeError, AttributeError) as error:
        return None, " ".join(str(error).split())
    least = min(outputs, H.shape[0])
    if least > _GRAM:
        return None, f"it takes {least} products, and at most {_GRAM} are made"
    return G, ""


def _of_gauss_newton(G: Any, unable: str) -> Record:
    from condlab.curvature import gauss_newton_condition

    try:
        found = None if G is None else gauss_newton_condition(G)
    except ValueError as error:  # the criterion is not convex
        found, unable = None, " ".join(str(error).split())
    if found is None:
        return {"gauss_newton": None, "no_gauss_newton": unable}
    return {
        "gauss_newton": {
            "kappa_nonnull": asdict(found.kappa_nonnull),
            "nullity": found.nullity,
            "size": found.size,
        },
        "no_gauss_newton": None,
    }


def _noisy(look: Look, module: Any) -> str | None:
    """Return why the products say little, if they do."""
    values = look.condition.spectrum.values
    top = float(values.abs().max()) if len(values) else 0.0
    if look.condition.noise <= _NOISY * top:
        return None
    from condlab.nn.conditioning import zero_line

    return zero_line(module) or (
        "the loss and its gradient change otherwise than the products say, within the "
        "steps that these are held against: it has kinks or jumps near these "
        "parameters, or turns sharply, as a layer norm of zeros does"
    )


def _sharpness(found: Any, lr: float) -> Record:
    """Return whether gradient descent with a step this long is stable."""
    top, edge = found.lambda_max, 2 / lr
    verdict = "not determined"
    if top.lower > edge:
        verdict = "above: descent with this step is unstable"
    elif top.upper < edge:
        verdict = "below: descent with this step is stable along each eigenvector"
    return {"two_over_lr": edge, "lambda_max": asdict(top), "verdict": verdict}


def spread(args: argparse.Namespace, look: Look) -> Record:
    """Return how the eigenvalues are spread, having drawn the figure."""
    from condlab.curvature._staircase import Staircase

    known = look.spectrum()
    seen = Staircase(known) if known.complete else _density(args, look.K)
    if args.figure is not None:
        from condlab.report.figures.spectrum import draw_spectrum

        draw_spectrum(known, seen, look.condition, args.figure, title=args.model)
    x = sorted({0.0, *known.values.tolist()})
    band = seen.cumulative(x)
    return {
        "ritz": {"values": known.values, "radii": known.radii},
        "density": {"x": x, "value": band.value}
        | {"lower": band.lower, "upper": band.upper},
    }


def _density(args: argparse.Namespace, K: Any) -> Any:
    import torch

    from condlab.curvature import density

    return density(
        K,
        num_matvecs=min(args.products or STEPS, K.shape[0]),
        num_probes=args.probes,
        generator=torch.Generator().manual_seed(args.seed),
    )
