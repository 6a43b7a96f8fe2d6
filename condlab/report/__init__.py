"""From records to figures, tables and one self-contained page."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from condlab.errors import missing_extra

try:
    import latex2mathml  # noqa: F401
    import matplotlib  # noqa: F401
except ImportError as error:  # pragma: no cover
    raise missing_extra(
        "matplotlib and latex2mathml", "figures,theory", "a report"
    ) from error

from condlab.collection import COLLECTION
from condlab.machine.files import replace_text
from condlab.report import collect, figures, html, records, sections, tables
from condlab.theory import CATALOGUE

__all__ = ["build", "draw"]

ROOM = 2**23  # bytes in each of two folders; a report of 377 claims takes half of them


def build(
    out: Path,
    pages: Sequence[Path] = (),
    beside: Path | None = None,
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
    beside : Path, optional
        A folder whose sections and their figures to take over, see
        `condlab.report.sections`; those in `out` are kept.
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
        If a page has no markers, or `beside` no sections.

    Notes
    -----
    Two processes are started; a script that calls this needs the usual
    ``if __name__ == "__main__":``.
    """
    for path in pages:
        tables.check_page(path)  # before minutes of work, not after
    _require_room(out)
    progress(f"{len(CATALOGUE)} claims and {len(COLLECTION)} matrices")
    if beside is not None:
        sections.copy(beside, out)
    sections.read(out)  # one that is damaged is said before minutes of work too
    found = collect.collect(CATALOGUE, COLLECTION, progress)
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
    drawn = figures.draw(kept, out)
    drawn += [out / f"{name}.svg" for name in sections.drawings(kept.sections)]
    replace_text(page, html.page(kept, drawn))
    return page


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
