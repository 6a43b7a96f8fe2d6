"""Command line: scale a matrix, know its condition number, put a theorem on trial."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Iterable
from typing import NoReturn

from condlab import __version__
from condlab.cli import _text

COMMANDS = (
    "scale", "cond", "diagnose",
    "weights", "hessian", "verify", "audit", "report", "list",
)  # fmt: skip
BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count
BROKEN_PIPE = 141  # 128 + SIGPIPE


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with the message; the usage is a --help away."""
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : list of str, optional
        The arguments; those of the process where they are left out.

    Returns
    -------
    int
        The exit code: 0; 2 after one line on stderr about bad usage or input; 130
        if interrupted; 141 if the reader of the output has gone.

    Examples
    --------
    >>> main(["cond", "gallery:laplacian-1d:2"])
    gallery:laplacian-1d:2: 2 x 2, 4 nonzeros, float64
    <BLANKLINE>
    norm     kappa  certainly in    method
    kappa_2  3.000  2.999 .. 3.001  qr+cholesky
    0
    """
    argv = sys.argv[1:] if argv is None else argv
    asked = [name for name in argv[:1] if name in COMMANDS]
    try:
        args = _parser(asked or COMMANDS).parse_args(argv)
        with _text.StatusLine() as progress:
            text = args.run(args, progress)
        _print(text)
    except SystemExit as exit_:  # argparse has said why
        return int(exit_.code or 0)
    except KeyboardInterrupt:
        print("condlab: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader has gone, as in `condlab list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except MemoryError:
        return _complain("the matrix does not fit in memory")
    except (ValueError, OSError, ImportError) as error:
        return _complain(str(error))
    return 0


def _parser(names: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser of some commands, which alone are imported."""
    parser = _Parser(
        prog="condlab",
        description=__doc__,
        epilog="Exit codes: 0 for success, whatever was found; 2 for bad usage or bad "
        f"input, with one line on stderr; {INTERRUPTED} if interrupted; {BROKEN_PIPE} "
        "if the reader of the output has gone.",
    )
    parser.add_argument("--version", action="version", version=f"condlab {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in names:
        importlib.import_module(f"condlab.cli._{name}").add_parser(commands)
    return parser


def _print(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a name may not fit the terminal
    print(text, flush=True)


def _complain(message: str) -> int:
    print(f"condlab: {' '.join(message.split())}", file=sys.stderr)
    return BAD_INPUT
