"""From records to figures, tables and one self-contained page."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from condlab.errors import missing_extra

try:
    import latex2mathml  # noqa: F401
    import matplotlib  # noqa: F401
except ImportError as error:  # pragma: no cover
    raise missing_extra(
        "matplotlib and latex2mathml", "figures,theory", "a report"
    ) from error

from condlab._files import replace_text
from condlab.collection import COLLECTION
from condlab.report import collect, figures, html, records, tables
from condlab.theory import CATALOGUE

__all__ = ["build", "draw", "refresh"]

ROOM = 2**23  # bytes in each of two folders; a report of 377 claims takes half of them


def build(
    out: Path,
    pages: Sequence[Path] = (),
    studies: Path | None = None,
    audit: Path | None = None,
    progress: Callable[[str], None] = collect.silent,
) -> Path:
    """Verify the catalogue, scale the collection and write what was found.

    The same catalogue gives the same bytes, however often and in whatever order the
    work is done.

    Parameters
    ----------
    out : Path
        Folder of ``report.html``, of the figures as PNG and SVG and, in ``data``, of
        the records they are drawn from. It is made if need be.
    pages : sequence of Path
        Files whose generated parts to rewrite, as `tables.update_page` does.
    studies : Path, optional
        What ``python -m studies analyse`` wrote, to be drawn as well.
    audit : Path, optional
        What ``python -m benchmarks.audit`` wrote, to be shown as well.
    progress : callable
        ``progress(message)`` is called as the work goes on.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    MissingExtraError
        If an optional dependency of the catalogue is missing.
    OSError
        If the folder cannot be made or written to, or its disk is full.
    ValueError
        If a page has no markers.

    Notes
    -----
    Two processes are started; a script that calls this needs the usual
    ``if __name__ == "__main__":``.
    """
    for path in pages:
        tables.check_page(path)  # before minutes of work, not after
    _require_room(out)
    progress(f"{len(CATALOGUE)} claims and {len(COLLECTION)} matrices")
    trained = {} if studies is None else json.loads(studies.read_text("utf-8"))
    found = collect.collect(CATALOGUE, COLLECTION, progress)
    tried = {} if audit is None else json.loads(audit.read_text("utf-8"))
    found = replace(found, studies=trained, audit=tried)
    records.write(found, out / "data")
    progress("drawing the figures")
    page = draw(out)
    for path in pages:
        tables.update_page(path, records.read(out / "data"))
    return page


def draw(out: Path) -> Path:
    """Draw the figures and the page of a folder from the records in it.

    Parameters
    ----------
    out : Path
        Folder with ``data/verdicts.json`` and ``data/matrices.json``.

    Returns
    -------
    Path
        Of the page, ``report.html``.
    """
    kept = records.read(out / "data")
    page = out / "report.html"
    text = html.page(kept, figures.draw(kept, out))
    replace_text(page, text)
    return page


def refresh(out: Path, studies: Path, pages: Sequence[Path] = ()) -> list[Path]:
    """Draw anew what the studies found, and leave all else of a report as it is.

    Parameters
    ----------
    out : Path
        Folder that `build` made.
    studies : Path
        What ``python -m studies analyse`` wrote.
    pages : sequence of Path
        Files whose generated parts to rewrite, as `tables.update_page` does.

    Returns
    -------
    list of Path
        The figures of the studies, as SVG files.
    """
    trained = json.loads(studies.read_text("utf-8"))
    found = replace(records.read(out / "data"), studies=trained)
    records.write(found, out / "data")
    drawn = figures.draw_studies(found, out)
    for path in pages:
        tables.update_page(path, records.read(out / "data"))
    return drawn


def _require_room(out: Path) -> None:
    """Raise where the folder cannot take the report, before minutes of work."""
    try:
        for folder in (out, out / "data"):
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as stream:
                stream.write(bytes(ROOM))
    except OSError as error:
        raise OSError(
            f"a report needs a folder to write {2 * ROOM >> 20} MiB to, and {out} is "
            f"none ({error.strerror}); choose another"
        ) from None
