"""Pieces of HTML: escaped text, numbers, formulas, matrices, figures."""

from __future__ import annotations

import html
import math
import re
import xml.etree.ElementTree as ElementTree

from latex2mathml import converter

from condlab.plots.style import INK, QUIET, RULE
from condlab.report._json import as_float
from condlab.report.instances import Part

MATHML = "{http://www.w3.org/1998/Math/MathML}"


def text(words: object) -> str:
    """Return text with everything escaped that HTML would read.

    Examples
    --------
    >>> text("a < b & c")
    'a &lt; b &amp; c'
    """
    return html.escape(str(words), quote=True)


def formula(latex: str) -> str:
    """Return LaTeX as MathML, or as code where it cannot be converted.

    Examples
    --------
    >>> formula("x")
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline"><mrow><mi>x</mi></mrow></math>'
    """  # noqa: E501
    if not latex:
        return ""
    try:
        found = converter.convert(latex)
        names = [element.tag for element in ElementTree.fromstring(found).iter()]
    except Exception:  # the converter raises whatever its parser met
        names = [""]
    if all(name.startswith(f"{MATHML}m") for name in names):
        return found
    return f"<code>{text(latex)}</code>"


def number(x: float | str | None, digits: int = 4) -> str:
    """Return a number as HTML, with a power of ten from 10^5 on.

    Examples
    --------
    >>> number(2.5), number(1485362.3), number("inf"), number(None)
    ('2.5', '1.485×10<sup>6</sup>', '∞', '–')
    """
    value = as_float(x)
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    plain = f"{value:.{digits}g}"
    if 1e-3 <= abs(value) < 1e5 or value == 0:
        plain = f"{float(plain):.{digits}g}" if abs(value) < 1e4 else f"{value:.0f}"
        return plain.replace("-", "−")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = str(int(exponent)).replace("-", "−")
    shown = mantissa.rstrip("0").rstrip(".").replace("-", "−")
    return f"{shown}×10<sup>{power}</sup>"


def instance(parts: list[Part]) -> str:
    """Return the parts of an instance, matrices in brackets."""
    return "".join(f'<span class="part">{_part(part)}</span> ' for part in parts)


def _part(part: Part) -> str:
    name = f"<i>{text(part.name)}</i> = " if part.name else ""
    if part.kind == "matrix":
        return name + _matrix(part.rows)
    line = ", ".join(text(entry) for entry in part.rows[0])
    return name + (f"({line})" if part.kind == "vector" else line)


def _matrix(rows: tuple[tuple[str, ...], ...]) -> str:
    spoken = "; ".join(" ".join(row) for row in rows)
    entries = "".join(f"<span>{text(entry)}</span>" for row in rows for entry in row)
    return (
        f'<span class="matrix" role="img" aria-label="matrix {text(spoken)}" '
        f'style="--n:{len(rows[0])}">{entries}</span>'
    )


def figure(name: str, svg: str, caption: str, *, first: bool = True) -> str:
    """Return an SVG file as an inline figure that takes the colours of the page.

    Only the first of several pages shows their caption.
    """
    drawing = _slim(svg[svg.index("<svg") :])
    for identifier in (r'\bid="', r'xlink:href="#', r"url\(#"):
        drawing = re.sub(identifier, lambda found: f"{found[0]}{name}-", drawing)
    for colour, variable in ((INK, "ink"), (RULE, "rule"), (QUIET, "quiet")):
        drawing = drawing.replace(colour, f"var(--{variable})")
    drawing, rules = _with_classes(name, drawing)
    label = f'<svg role="img" aria-label="{text(caption)}"'
    drawing = drawing.replace("<svg", label, 1)
    drawing = drawing.replace(">", f"><style>{rules}</style>", 1)
    shown = f"<figcaption>{text(caption)}</figcaption>" if first else ""
    return f"<figure>{shown}{drawing}</figure>"


def _slim(drawing: str) -> str:
    """Return a drawing without what does not show: half of it."""
    for nothing in (
        r"<metadata>.*?</metadata>",
        r"<!--.*?-->",
        r' transform="rotate\(-0 [^"]*\)"',
        r'(?<=<g) id="[^"]*"',  # nothing refers to groups
        r"(?m)^\s+",
    ):
        drawing = re.sub(nothing, "", drawing, flags=re.DOTALL)
    drawing = re.sub(
        r"<g>\s*(<(?:text|path)[^<]*(?:</text>|/>))\s*</g>", r"\1", drawing
    )
    return re.sub(r' (?:x|y|d)="[^"]*"', _to_hundredths, drawing)


def _to_hundredths(attribute: re.Match[str]) -> str:
    return re.sub(r"(\.\d\d)\d+", r"\1", attribute[0])


def _with_classes(name: str, drawing: str) -> tuple[str, str]:
    """Return a drawing with classes for its styles, which repeat, and their rules."""
    classes: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        return f'class="{classes.setdefault(found[1], f"{name}-{len(classes)}")}"'

    drawing = re.sub(r'style="([^"]*)"', named, drawing)
    rules = "\n".join(f".{key}{{{style}}}" for style, key in classes.items())
    return drawing, rules
