"""`condlab hessian`: the condition of a loss's Hessian, and what is certain of it."""

from __future__ import annotations

import argparse
from pathlib import Path

from condlab.cli import _curvature, _models, _options, _series, _spectrum_page, _text
from condlab.errors import missing_extra

BACKENDS = ("auto", "retained", "rebuilt", "forward", "batched")
_FIGURES = (".png", ".svg", ".pdf")


def add_parser(commands: _options.Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "hessian",
        help="condition number of a network's Hessian",
        description="Give extreme eigenvalues, condition numbers and null directions "
        "of the Hessian of a loss, with what is certain of each; of several "
        "checkpoints, how they move.",
    )
    add = parser.add_argument
    add("model", metavar="MODEL", help=_models.HELP)
    add(
        "--checkpoint",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="a state dict for the module; several give a series, in this order",
    )
    _add_method(parser)
    add(
        "--gauge",
        choices=["raw", "sphere"],
        default="raw",
        help="sphere: take the lengths of conditioned rows out",
    )
    add("--lr", type=float, metavar="ETA", help="hold lambda_max against 2/ETA")
    add("--seed", type=int, default=0, help="of the random starts (default: 0)")
    add("--device", metavar="NAME", help="of torch, such as cuda:1 (default: as made)")
    add(
        "--backend",
        choices=BACKENDS,
        default="auto",
        help="what multiplies: graphs kept or rebuilt, forward over reverse, several "
        "vectors at once (default: the quickest)",
    )
    _options.add_figure(parser, "the spectrum (png, svg, pdf)")
    _options.add_json(parser, "instead of the table")
    parser.set_defaults(run=run)


def _add_method(parser: argparse.ArgumentParser) -> None:
    """Add how eigenvalues are found, and how many products that may take."""
    add = parser.add_argument
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
    add(
        "--probes",
        type=int,
        default=4,
        metavar="K",
        help="of the density, where the spectrum is not known whole (default: 4)",
    )
    add(
        "--leading",
        type=int,
        metavar="K",
        help="eigenvectors whose span is followed through a series (default: 3)",
    )


def run(args: argparse.Namespace, progress: _text.StatusLine) -> str:
    """Return what the command prints, having drawn the figure."""
    _require_options(args)
    _require_torch()
    if args.figure is not None:
        import condlab.plots  # noqa: F401 - that it can be drawn is known beforehand
    progress(f"making {args.model}")
    problem = _models.load(args.model, args.device)
    files = args.checkpoint or []
    if len(files) > 1:
        with _models.telling(args.model):
            return _series.run(args, problem, progress)
    if files:
        _models.restore(problem, files[0])
    with _models.telling(args.model):
        record, found = _curvature.examined(args, problem, progress)
        if args.figure is not None or args.json:
            progress("spreading the eigenvalues")
            record |= _curvature.spread(args, found)
    if args.json:
        return _text.as_json(record)
    edge = record["sharpness"]
    return _spectrum_page.page(args.model, found, edge, args.figure)


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        raise missing_extra("torch", "torch", "condlab hessian") from None


def _require_options(args: argparse.Namespace) -> None:
    if args.probes < 1:
        raise ValueError(f"--probes must be at least 1, got {args.probes}")
    if args.interior < 0:
        raise ValueError(f"--interior must be at least 0, got {args.interior}")
    if args.products is not None and args.products < 3:
        raise ValueError(
            f"--products: num_matvecs must be at least 3, got {args.products}"
        )
    if args.lr is not None and not 0 < args.lr < float("inf"):
        raise ValueError(f"--lr must be positive, got {args.lr}")
    if args.figure is not None and args.figure.suffix not in _FIGURES:
        raise ValueError(f"--figure must end in {', '.join(_FIGURES)}: {args.figure}")
    if args.figure is not None and not args.figure.parent.is_dir():
        raise ValueError(f"there is no directory {args.figure.parent} for --figure")
    _require_series(args)


def _require_series(args: argparse.Namespace) -> None:
    files = args.checkpoint or []
    for path in files:
        if not path.is_file():
            raise ValueError(f"there is no checkpoint {path}")
    if len(files) < 2:
        if args.leading is not None:
            raise ValueError(
                "--leading is of a series, and needs two checkpoints or more, got "
                f"{len(files)}"
            )
        return
    if args.leading is not None and args.leading < 1:
        raise ValueError(f"--leading must be at least 1, got {args.leading}")
    if args.method in ("factored", "counted"):
        raise ValueError(
            f"a series needs eigenvectors, and --method {args.method} has none; use "
            "exact or lanczos"
        )
