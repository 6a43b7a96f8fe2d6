"""`condlab list`: what can be named on the command line."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable

from condlab.cli import _options, _text
from condlab.errors import MissingExtraError

_INDENT = 24


def add_parser(commands: _options.Commands) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "list",
        help="names of matrices and theorems",
        description="List the matrices and theorems that can be asked for by name.",
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=["all", *_KINDS],
        default="all",
        help="which names (default: all)",
    )
    _options.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, progress: _text.StatusLine) -> str:
    """Return what the command prints."""
    progress("collecting names")
    if args.what != "all":
        listed = {args.what: _KINDS[args.what]()}
    else:
        listed = {kind: _available(names) for kind, names in _KINDS.items()}
    if args.json:
        return _text.as_json(listed)
    return "\n\n".join(_section(kind, names) for kind, names in listed.items())


def _available(names: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Return the names, or in their place what has to be installed for them."""
    try:
        return names()
    except MissingExtraError as error:
        return {"-": str(error)}


def _gallery() -> dict[str, str]:
    from condlab.gallery import GALLERY

    return {name: f"{m.known} [{m.reference}]" for name, m in GALLERY.items()}


def _builtin() -> dict[str, str]:
    from condlab.collection import COLLECTION

    return {name: f"{m.description} [{m.source}]" for name, m in COLLECTION.items()}


def _theorems() -> dict[str, str]:
    from condlab.theory import CATALOGUE

    return {key: theorem.statement for key, theorem in CATALOGUE.items()}


_KINDS: dict[str, Callable[[], dict[str, str]]] = {
    "gallery": _gallery,
    "builtin": _builtin,
    "theorems": _theorems,
}
_TITLES = {
    "gallery": "gallery:NAME:N, with N columns",
    "builtin": "builtin:NAME",
    "theorems": "condlab verify KEY",
}


def _section(kind: str, names: dict[str, str]) -> str:
    return "\n".join([_TITLES[kind], *(_entry(*item) for item in names.items())])


def _entry(name: str, text: str) -> str:
    """Return the name, and the text beside it or below where the name is long."""
    head = f"  {name}".ljust(_INDENT)
    first = head if len(head) <= _INDENT and head.endswith(" ") else " " * _INDENT
    body = textwrap.fill(
        text, _text.width(), initial_indent=first, subsequent_indent=" " * _INDENT
    )
    return body if first == head else f"{head}\n{body}"
