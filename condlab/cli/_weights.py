"""`condlab weights`: how every weight matrix of a network is conditioned."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from condlab.cli import _files, _models, _options, _text, _weights_page

if TYPE_CHECKING:
    from torch import Tensor, nn

    from condlab.nn import LayerTable

    Network = nn.Module | Mapping[str, Tensor]

HELP = (
    "a .safetensors file, the .index.json of a sharded one, a .pt, .pth, .ckpt or .bin "
    "checkpoint, a directory of these, or module:factory, which returns a torch module "
    "or a state dict"
)


def add_parser(commands: _options.Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "weights",
        help="the condition of every weight matrix of a network",
        description="Print kappa_2 of every weight matrix with an interval that "
        "certainly holds it, and after row, column and row-column scaling; and in how "
        "many layers equilibration helps.",
    )
    parser.add_argument("source", metavar="SOURCE", nargs="?", help=HELP)
    parser.add_argument(
        "--compare",
        nargs=2,
        metavar=("A", "B"),
        help="two such sources side by side, as before and after training",
    )
    parser.add_argument(
        "--layers",
        metavar="GLOB",
        default=[],
        action="append",
        help="names of tensors to take, such as '*.attn.*'; may be repeated",
    )
    _add_rows(parser)
    group = parser.add_mutually_exclusive_group()
    _options.add_json(group)
    group.add_argument(
        "--csv", action="store_true", help="comma-separated values instead"
    )
    _options.add_figure(parser, "the singular values of all layers (.png, .svg, .pdf)")
    _options.add_force(parser, "let --figure replace a file")
    parser.set_defaults(run=run)


def _add_rows(parser: argparse.ArgumentParser) -> None:
    """Add which rows a matrix gets, and what is in them."""
    parser.add_argument(
        "--heads", type=int, metavar="N", help="a row for each of N attention heads too"
    )
    parser.add_argument(
        "--operator",
        metavar="HxW",
        help="convolutions as operators on such an image too, with periodic borders",
    )
    parser.add_argument(
        "--best",
        action="store_true",
        help="certify the best kappa_2 of any row scaling; seconds for each matrix",
    )
    parser.add_argument(
        "--no-scalings", action="store_true", help="kappa as it is alone: faster"
    )


def run(args: argparse.Namespace, progress: _text.StatusLine) -> str:
    """Return what the command prints, having written --figure."""
    if (args.source is None) == (args.compare is None):
        raise ValueError("give one SOURCE, or two of them to --compare")
    _require_figure(args)
    _require_sizes(args)
    named = args.compare or [args.source]
    found = {
        name: _table(network, name, args, progress)
        for source in named
        for name, network in _networks(source)
    }
    if args.compare and len(found) != 2:
        raise ValueError("--compare needs two different networks, one in each source")
    notes = []
    if args.figure:
        _weights_page.draw(found, args.figure)
        notes.append(f"wrote {args.figure}")
    if args.json:
        records = [_weights_page.record(name, table) for name, table in found.items()]
        return _text.as_json({"networks": records} if len(records) > 1 else records[0])
    if args.csv:
        return _files.as_csv(_rows(found))
    show = _weights_page.comparison if args.compare else _weights_page.page
    return "\n".join([show(found), *notes])


def _require_figure(args: argparse.Namespace) -> None:
    if args.figure is None:
        return
    _files.require_new(args.figure, "--figure", _files.FIGURES, force=args.force)
    _weights_page.require_matplotlib()


def _require_sizes(args: argparse.Namespace) -> None:
    if args.heads is not None and args.heads < 1:
        raise ValueError(f"--heads must be at least 1, got {args.heads}")
    sizes = r"[1-9]\d*(x[1-9]\d*)*"
    if args.operator is not None and not re.fullmatch(sizes, args.operator):
        raise ValueError(
            "--operator needs sizes of an image, one for each axis of the kernels, "
            f"such as 16x16 or 100, got {args.operator!r}"
        )


def _table(
    network: Network, name: str, args: argparse.Namespace, progress: _text.StatusLine
) -> LayerTable:
    from condlab.nn import layer_table

    image = None if args.operator is None else map(int, args.operator.split("x"))
    try:
        return layer_table(
            network,
            layers=args.layers or "*",
            scalings=not args.no_scalings,
            heads=args.heads,
            operator=None if image is None else list(image),
            best=args.best,
            progress=lambda layer: progress(f"{name}: {layer}"),
        )
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: {error}") from None


def _networks(source: str) -> list[tuple[str, Network]]:
    """Return the networks of a source with their names, each opened and not read."""
    from condlab.nn import open_state

    path = Path(source)
    if path.is_dir():
        return [(str(file), open_state(file)) for file in _weights_in(path)]
    where, colon, name = source.partition(":")
    if colon and not path.exists() and "/" not in where and "\\" not in where:
        return [(source, _from_factory(source, where, name))]
    return [(source, open_state(path))]


def _weights_in(folder: Path) -> list[Path]:
    """Return the weights in a directory: a sharded network, or a file a checkpoint."""
    from condlab.nn.states.files import SUFFIXES

    indices = sorted(folder.glob("*.index.json"))
    if indices:
        return indices[:1]
    files = [p for p in folder.iterdir() if p.is_file() and p.suffix in SUFFIXES]
    if not files:
        raise ValueError(
            f"{folder} must hold files of weights, *{', *'.join(SUFFIXES)}; it has none"
        )
    return sorted(files, key=_in_order)


def _in_order(path: Path) -> list[tuple[int, int, str]]:
    """Return a key by which step 9 comes before step 10."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", path.name)
        if part
    ]


def _from_factory(source: str, where: str, name: str) -> Network:
    from torch import nn

    if not (where and name):
        raise ValueError(f"a network is {HELP}; got {source!r}")
    made = _models.made(source, where, name)
    if isinstance(made, tuple) and made and isinstance(made[0], nn.Module):
        return made[0]  # as `condlab hessian` wants it
    if isinstance(made, nn.Module | dict):
        return made
    raise ValueError(
        f"{source} must return a torch module or a state dict, got "
        f"{type(made).__name__}"
    )


def _rows(found: Mapping[str, LayerTable]) -> list[dict[str, object]]:
    rows = [
        {"network": name, **row.to_dict()}
        for name, table in found.items()
        for row in table
    ]
    return [row | {"shape": "x".join(map(str, row["shape"]))} for row in rows]
