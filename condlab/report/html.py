"""One self-contained page: tables that sort and filter, figures, sources."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from condlab.report import _markup as markup
from condlab.report._rows import (
    SCALED,
    VERDICTS,
    matrix_row,
    plain_row,
    verdict_row,
)
from condlab.report.records import Records
from condlab.report.sections import Block, Drawings, Section
from condlab.report.summary import OUTCOMES, counts, sentence
from condlab.types import Record

CAPTIONS = {
    "scalings": "Condition number of every matrix before (broad grey bar) and after "
    "each scaling. Black ticks are the best that scalings of a kind can reach, "
    "certified; the pale strips are where van der Sluis' bounds have it.",
    "tightness": "Largest quotient of the two sides that the search found, a row a "
    "claim and a cell a size.",
    "counterexamples": "The smallest counterexample found to each false claim.",
}


def page(records: Records, drawings: list[Path]) -> str:
    """Return the report as one HTML file that needs nothing else.

    Parameters
    ----------
    records : Records
        What the tables show.
    drawings : list of Path
        The SVG files that `condlab.report.figures.draw` made from the same records,
        and those of the sections.

    Returns
    -------
    str
        HTML with its style, script and figures inside.
    """
    figures = {path.stem: path.read_text(encoding="utf-8") for path in drawings}
    sections = [
        _summary(records),
        _verdicts(records),
        _matrices(records.matrices, figures),
        _tightness(figures),
        _counterexamples(figures),
        *(_section(found, figures) for found in records.sections),
        _reproduce(records.settings),
        _sources(records.theorems),
    ]
    asset = resources.files("condlab.report").joinpath
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        "<title>condlab report</title>\n"
        f"<style>\n{asset('page.css').read_text(encoding='utf-8')}</style>\n"
        "</head>\n<body>\n<main>\n" + "\n".join(sections) + "\n</main>\n"
        f"<script>\n{asset('page.js').read_text(encoding='utf-8')}</script>\n"
        "</body>\n</html>\n"
    )


def _summary(records: Records) -> str:
    number = counts(records.theorems)
    scaled = sum("missing" not in entry for entry in records.matrices)
    tiles = "".join(
        f'<li class="{name}"><b>{number[name]}</b> {words}</li>'
        for name, words in zip(OUTCOMES, ("hold", *OUTCOMES[1:]), strict=True)
    )
    return (
        "<header>\n<h1>condlab report</h1>\n"
        f'<p class="lead">{sentence(records.theorems)} '
        f"{scaled} matrices scaled in five ways.</p>\n"
        f"{''.join(map(_lead, records.sections))}"
        f'<ul class="tiles">{tiles}</ul>\n'
        '<nav aria-label="Sections"><a href="#verdicts">Verdicts</a> '
        '<a href="#matrices">Matrices</a> <a href="#tightness">Tightness</a> '
        '<a href="#counterexamples">Counterexamples</a> '
        f"{''.join(map(_link, records.sections))}"
        '<a href="#reproduce">Reproduce</a> <a href="#sources">Sources</a></nav>\n'
        "</header>"
    )


def _link(found: Section) -> str:
    return f'<a href="#{markup.text(found.name)}">{markup.text(found.title)}</a> '


def _lead(found: Section) -> str:
    """Return what a section says at the top of the page, its question in bold."""
    question, bold, rest = found.lead.strip("*").partition("**")
    if not bold:
        return f"<p>{markup.text(question)}</p>\n" if question else ""
    return f"<p><b>{markup.text(question)}</b> {markup.text(rest.strip())}</p>\n"


def _verdicts(records: Records) -> str:
    options = "".join(f'<option value="{name}">{name}</option>' for name in OUTCOMES)
    controls = (
        '<form class="controls" hidden><label>Search <input type="search" '
        'id="search" autocomplete="off"></label> <label>Verdict <select id="verdict">'
        f'<option value="">all</option>{options}</select></label> '
        '<output id="shown" aria-live="polite"></output></form>'
    )
    head = _head(VERDICTS)
    rows = "\n".join(verdict_row(entry) for entry in records.theorems)
    return (
        '<section id="verdicts">\n<h2>Verdicts</h2>\n'
        "<p><b>Holds</b> means that the claim survived the instances tried, "
        f"{min(records.settings['examples'])} or more a size, and no more than that: a "
        "search proves nothing. <b>Falsified</b> means that a counterexample was found "
        "and that ball arithmetic certifies it, so that rounding is not the cause. "
        "<b>Inconclusive</b> means that a violation was within rounding or could not "
        "be confirmed. Every claim is put as lhs ≤ rhs, an identity as "
        "1 + relative difference ≤ 1. The strip gives the largest lhs / rhs at sizes 1 "
        "to 5, the size being the largest dimension of an instance; 1 means that the "
        "bound is attained.</p>\n"
        f'{controls}\n<div class="scroll" tabindex="0" role="region" '
        f'aria-label="Verdicts"><table id="claims">{head}<tbody>\n{rows}\n'
        "</tbody></table></div>\n</section>"
    )


def _head(names: tuple[str, ...]) -> str:
    cells = "".join(f'<th scope="col">{name}</th>' for name in names)
    return f"<thead><tr>{cells}</tr></thead>"


def _matrices(matrices: list[Record], figures: dict[str, str]) -> str:
    names = ("matrix", "what it is", "shape", "rank", "unscaled κ₂")
    head = _head((*names, *(words for words, _ in SCALED.values())))
    rows = "\n".join(matrix_row(entry) for entry in matrices)
    return (
        '<section id="matrices">\n<h2>Matrices</h2>\n'
        f"{_figures('scalings', figures)}\n"
        "<p>Condition numbers κ₂ before and after scaling. Rounding included, they are "
        "certain to about one unit of the last digit shown, or to the interval that "
        "is given. “Within X of the best” compares with every scaling of the same "
        "kind: of rows, of columns, of both or, for Jacobi, the same of both. The best "
        "one was searched for, and dual certificates say that none is better than "
        "the lower end of the interval. A dash: the scaling needs a positive "
        "diagonal.</p>\n"
        '<div class="scroll" tabindex="0" role="region" aria-label="Matrices">'
        f'<table id="scaled">{head}<tbody>\n{rows}\n</tbody></table></div>\n</section>'
    )


def _tightness(figures: dict[str, str]) -> str:
    return (
        '<section id="tightness">\n<h2>Tightness</h2>\n'
        f"{_figures('tightness', figures)}\n</section>"
    )


def _counterexamples(figures: dict[str, str]) -> str:
    drawn = _figures("counterexamples", figures) or "<p>No claim was falsified.</p>"
    return (
        f'<section id="counterexamples">\n<h2>Counterexamples</h2>\n{drawn}\n</section>'
    )


def _section(found: Section, figures: dict[str, str]) -> str:
    blocks = "\n".join(filter(None, (_block(b, figures) for b in found.blocks)))
    return (
        f'<section id="{markup.text(found.name)}">\n'
        f"<h2>{markup.text(found.title)}</h2>\n{blocks}\n</section>"
    )


def _block(block: Block, figures: dict[str, str]) -> str:
    if isinstance(block, str):
        return f"<p>{markup.text(block)}</p>" if block else ""
    if isinstance(block, Drawings):
        drawn = {name: figures[name] for name in block.names if name in figures}
        return _drawn(drawn, block.caption)
    rows = "\n".join(map(plain_row, block.rows))
    return (
        '<div class="scroll" tabindex="0" role="region" '
        f'aria-label="{markup.text(block.label)}">'
        f"<table>{_head(block.head)}<tbody>\n{rows}\n</tbody></table></div>"
    )


def _figures(name: str, figures: dict[str, str]) -> str:
    pages = {stem: svg for stem, svg in figures.items() if stem.startswith(name)}
    return _drawn(pages, CAPTIONS[name])


def _drawn(pages: dict[str, str], caption: str) -> str:
    return "\n".join(
        markup.figure(stem, svg, caption, first=i == 0)
        for i, (stem, svg) in enumerate(pages.items())
    )


def _reproduce(settings: Record) -> str:
    sizes = ", ".join(str(size) for size in settings["sizes"])
    examples = ", ".join(str(count) for count in settings["examples"])
    return (
        '<section id="reproduce">\n<h2>How to reproduce</h2>\n'
        "<pre><code>condlab report --out report   # this page\n"
        "condlab verify KEY            # one claim\n"
        "condlab scale builtin:NAME    # one matrix</code></pre>\n"
        f"<p>Sizes {sizes} with {examples} examples, and {settings['more_examples']} "
        "at the sizes below and above the smallest counterexample; "
        f"seed {settings['seed']}. The search is deterministic: run again, it gives "
        "the same bytes. What it found is in <code>data/verdicts.json</code> and "
        "<code>data/matrices.json</code>, counterexamples to the last bit.</p>\n"
        "</section>"
    )


def _sources(theorems: list[Record]) -> str:
    names = ("authors", "title", "venue", "year")
    found = set()
    for entry in theorems:
        reference = entry["reference"]
        words = [str(reference[name]) for name in names if reference.get(name)]
        found.add(", ".join(words) or reference["text"])
    items = "\n".join(f"<li>{markup.text(words)}</li>" for words in sorted(found))
    return (
        '<section id="sources">\n<h2>Sources</h2>\n'
        f'<ul class="sources">\n{items}\n</ul>\n</section>'
    )
