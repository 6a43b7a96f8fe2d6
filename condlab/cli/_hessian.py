"""`condlab hessian`: the condition of a loss's Hessian, and what is certain of it."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from condlab.cli import _models, _text

_GRAM = 2000  # outputs, or parameters, whose Gauss-Newton matrix takes seconds
_FIGURES = (".png", ".svg", ".pdf")


def add_parser(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "hessian",
        help="condition number of a network's Hessian",
        description="Give extreme eigenvalues, condition numbers and null directions "
        "of the Hessian of a loss, with what is certain of each.",
    )
    add = parser.add_argument
    add("model", metavar="MODEL", help=_models.HELP)
    add("--checkpoint", type=Path, metavar="FILE", help="a state dict for the module")
    add(
        "--method",
        choices=["auto", "exact", "factored", "counted", "lanczos"],
        default="auto",
        help="the whole spectrum, one or three factorisations, or bounds from products "
        "(default: as size allows)",
    )
    add("--products", type=int, metavar="K", help="of Lanczos (default: 100)")
    add(
        "--interior",
        type=int,
        default=0,
        metavar="K",
        help="more, by MINRES, to bound the smallest |lambda| of Lanczos (default: 0)",
    )
    add("--probes", type=int, default=4, metavar="K", help="of the density (default 4)")
    add(
        "--gauge",
        choices=["raw", "sphere"],
        default="raw",
        help="sphere: take the lengths of conditioned rows out",
    )
    add("--lr", type=float, metavar="ETA", help="hold lambda_max against 2/ETA")
    add("--seed", type=int, default=0, help="of the random starts (default: 0)")
    add("--figure", type=Path, metavar="FILE", help="draw the spectrum (png, svg, pdf)")
    add("--json", action="store_true", help="one JSON object instead of the table")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, progress: _text.Progress) -> str:
    """Return what the command prints, having drawn the figure."""
    _require_options(args)
    progress(f"making {args.model}")
    import torch

    from condlab.curvature import HessianOperator, make_loss

    module, criterion, batches = _models.load(args.model, args.checkpoint)
    params = {n: p for n, p in module.named_parameters() if p.requires_grad}
    H = HessianOperator(make_loss(module, criterion), params, batches)
    progress(f"multiplying with the Hessian of {H.shape[0]} parameters")
    found, K = _condition(args, H, module, criterion)
    record = {
        "model": args.model,
        "parameters": H.shape[0],
        "dtype": str(H.dtype).removeprefix("torch."),
        "backend": H.backend,
        **_plain(found),
        "gauss_newton": _gauss_newton(H, batches, progress),
        "sharpness": None if args.lr is None else _sharpness(found, args.lr),
    }
    if args.figure is not None or args.json:
        progress("spreading the eigenvalues")
        generator = torch.Generator().manual_seed(args.seed)
        record |= _spread(args, K, found, generator)
    if args.json:
        return _text.as_json(record)
    return _page(record, args)


def _require_options(args: argparse.Namespace) -> None:
    if args.probes < 1:
        raise ValueError(f"--probes must be at least 1, got {args.probes}")
    if args.lr is not None and not 0 < args.lr < float("inf"):
        raise ValueError(f"--lr must be positive, got {args.lr}")
    if args.figure is not None and args.figure.suffix not in _FIGURES:
        raise ValueError(f"--figure must end in {', '.join(_FIGURES)}: {args.figure}")
    if args.figure is not None and not args.figure.parent.is_dir():
        raise ValueError(f"there is no directory {args.figure.parent} for --figure")


def _condition(
    args: argparse.Namespace, H: Any, module: Any, criterion: Any
) -> tuple[Any, Any]:
    """Return the condition, and the operator in the gauge."""
    import torch

    from condlab.curvature import condition, normalised_lines, sphere
    from condlab.curvature.symmetries import find_invariances

    K = H
    if args.gauge == "sphere":
        lines = normalised_lines(module)
        if not lines:
            raise ValueError(
                "the sphere gauge needs layers of condlab.nn.condition, and the model "
                "has none; leave out --gauge"
            )
        K = sphere(H, lines)
    known = find_invariances(H, module)
    found = condition(
        K,
        method=args.method,
        num_matvecs=args.products,
        interior=args.interior,
        invariances=known,
        generator=torch.Generator().manual_seed(args.seed),
    )
    return found, K


def _plain(found: Any) -> dict[str, Any]:
    record = asdict(found)
    record["quantiles"] = {str(q): e for q, e in record["quantiles"].items()}
    return record


def _gauss_newton(H: Any, batches: Any, progress: Any) -> dict[str, Any] | None:
    """Return the condition of the Gauss-Newton matrix, where it takes seconds."""
    from condlab.curvature import gauss_newton, gauss_newton_condition
    from condlab.curvature.gram import count_outputs

    G = gauss_newton(H.point.loss, H.params, batches)
    if min(count_outputs(G), H.shape[0]) > _GRAM:
        return None
    progress("multiplying out the Gauss-Newton matrix")
    try:
        found = gauss_newton_condition(G)
    except ValueError:  # the criterion is not convex
        return None
    return {
        "kappa_nonnull": asdict(found.kappa_nonnull),
        "nullity": found.nullity,
        "size": found.size,
    }


def _sharpness(found: Any, lr: float) -> dict[str, Any]:
    """Return whether gradient descent with a step this long is stable."""
    top, edge = found.lambda_max, 2 / lr
    verdict = "not determined"
    if top.lower > edge:
        verdict = "above: descent with this step is unstable"
    elif top.upper < edge:
        verdict = "below: descent with this step is stable along each eigenvector"
    return {"two_over_lr": edge, "lambda_max": asdict(top), "verdict": verdict}


def _spread(
    args: argparse.Namespace, K: Any, found: Any, generator: Any
) -> dict[str, Any]:
    from condlab.curvature import density, spectrum

    whole = args.method not in ("factored", "counted")
    method: Any = args.method if whole else "auto"
    known = spectrum(
        K,
        method=method,
        num_matvecs=args.products,
        generator=generator,
        rtol=0,
    )
    steps = min(args.products or 60, K.shape[0])
    seen = density(K, num_matvecs=steps, num_probes=args.probes, generator=generator)
    if args.figure is not None:
        from condlab.report.figures.spectrum import draw_spectrum

        draw_spectrum(known, seen, found, args.figure, title=args.model)
    x = sorted({0.0, *known.values.tolist()})
    band = seen.cumulative(x)
    return {
        "ritz": {"values": known.values, "radii": known.radii},
        "density": {"x": x, "value": band.value}
        | {"lower": band.lower, "upper": band.upper},
    }


def _page(record: dict[str, Any], args: argparse.Namespace) -> str:
    what = f"{record['model']}: {record['parameters']} parameters, {record['dtype']}"
    head = f"{what}, {record['gauge']} gauge, {record['backend']}"
    rows = [_row(name, record[key]) for key, name in _ENDS.items()]
    rows += [_row("kappa", record["kappa"])]
    rows += [_row("kappa off null directions", record["kappa_nonnull"])]
    rows += [
        _row(f"kappa at {100 * float(q):g} %", e)
        for q, e in record["quantiles"].items()
    ]
    if record["gauss_newton"] is not None:
        rows += [
            _row("Gauss-Newton, off nulls", record["gauss_newton"]["kappa_nonnull"])
        ]
    table = _text.table(["quantity", "value", "certainly in"], rows, {1})
    notes = [_text.wrapped(note) for note in _notes(record)]
    if args.figure is not None:
        notes.append(f"wrote {args.figure}")
    return "\n".join([_text.wrapped(head), "", table, "", *notes])


_ENDS = {
    "lambda_max": "largest eigenvalue",
    "lambda_min": "smallest eigenvalue",
    "abs_min": "smallest |eigenvalue|",
}


def _row(name: str, entry: dict[str, Any]) -> list[str]:
    value = entry.get("value")
    return [
        name,
        "" if value is None else _text.number(value),
        _text.bracket(entry["lower"], entry["upper"]),
    ]


def _notes(record: dict[str, Any]) -> list[str]:
    sources = ", ".join(f"{k} {s}" for s, k in record["null_sources"].items())
    notes = [f"null directions: {record['nullity']}" + (sources and f" ({sources})")]
    signs = record["inertia"]
    counts = [
        f"{_count(*signs[key])} {key}" for key in ("negative", "zero", "positive")
    ]
    notes.append(f"signs: {', '.join(counts)}")
    if record["probable"] is not None:
        top, low = record["probable"]["lambda_max"], record["probable"]["lambda_min"]
        notes.append(
            f"all eigenvalues are within {_text.bracket(low['lower'], top['upper'])}, "
            f"except with probability {record['probable']['failure']:g}"
        )
    if record["probably_below"] < record["kappa_nonnull"]["upper"]:
        most = _text.bracket(1.0, record["probably_below"]).split()[-1]
        notes.append(
            f"kappa off null directions is below {most}, "
            f"except with probability {2 * record['probable']['failure']:g}"
        )
    if record["sharpness"] is not None:
        edge = _text.number(record["sharpness"]["two_over_lr"])
        notes.append(
            f"sharpness against 2/lr = {edge}: {record['sharpness']['verdict']}"
        )
    notes.append(
        f"noise of the product {record['noise']:.1e}; {record['products']} products; "
        f"{record['method']}"
    )
    return notes


def _count(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
