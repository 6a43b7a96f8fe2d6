import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from condlab.report import _markup, collect, figures, html, sections
from condlab.report import build as report_build
from condlab.report import draw as report_draw
from condlab.report import records as kept
from condlab.report.sections import Drawings, Section, Table

VOID = {"meta", "input", "br", "wbr", "link", "img"}


class Page(HTMLParser):
    """Checks that tags nest and close, and collects what the tests ask for."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.text = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="session")
def text(records, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    return html.page(records, figures.draw(records, folder))


@pytest.fixture(scope="session")
def page(text):
    return Page(text)


def test_the_page_is_well_formed(page):
    assert page.elements[0] == ("html", {"lang": "en"})


def test_what_records_say_is_escaped(text, page):
    assert len(page.all("script")) == 1
    assert page.all("something") == page.all("b ") == []
    assert "alert('a & b')" in "".join(page.text)
    assert "<script>alert" not in text


def test_the_page_needs_nothing_else(text, page):
    assert page.all("link") == page.all("img") == page.all("iframe") == []
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "action"):
            assert attributes.get(name, "#").startswith("#")
    assert "@import" not in text
    assert set(re.findall(r"url\((.)", text)) <= {"#"}


def test_every_theorem_has_a_row_that_the_filters_can_read(page, records):
    rows = {
        row["data-key"]: row["data-verdict"]
        for row in page.all("tr")
        if "data-key" in row
    }
    assert list(rows) == [entry["key"] for entry in records.theorems]
    assert set(rows.values()) == {"holds", "falsified", "inconclusive"}
    options = [option["value"] for option in page.all("option")]
    assert options == ["", "holds", "falsified", "inconclusive"]


def test_statements_notes_sources_and_certificates_are_shown(page, records):
    words = "".join(page.text)
    for entry in records.theorems:
        assert entry["statement"] in words
        assert entry["note"] in words
    assert "Writer and O'Other 1999, Theorem 1 & 2" in words
    assert "128-bit ball arithmetic" in words
    assert "Not certified" in words
    assert "not loaded: this data set needs <something>" in words


def test_identifiers_are_unique_and_links_lead_somewhere(page):
    found = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(found) == len(set(found))
    for _, attributes in page.elements:
        for name in ("href", "xlink:href"):
            assert attributes.get(name, "#")[1:] in {"", *found}


def test_without_script_the_controls_are_hidden_and_no_row_is(page):
    assert "hidden" in page.all("form")[0]
    assert not any("hidden" in row for row in page.all("tr"))


def test_the_largest_ratio_sorts_as_a_number(text):
    keys = re.findall(r'data-sort="([^"]+)"', text)
    assert all(float(key) is not None for key in keys)


def test_matrices_are_read_aloud(page):
    labels = [span.get("aria-label", "") for span in page.all("span")]
    assert any(label.startswith("matrix ") for label in labels)


def test_a_page_without_falsified_claims_says_so(records):
    text = html.page(replace(records, theorems=[], matrices=[]), [])
    Page(text)
    assert "No claim was falsified." in text


@pytest.mark.parametrize(
    "latex", [r"\kappa_2(EA) \le \sqrt{m}\,\min_D \kappa_2(DA)", r"\|x\|_2 = 1"]
)
def test_formulas_become_mathml(latex):
    assert _markup.formula(latex).startswith("<math ")
    Page(f"<html>{_markup.formula(latex)}</html>")


@pytest.mark.parametrize("latex", [r"\frac{1", r"\text{<script>}", "<b>", r"\left("])
def test_formulas_that_do_not_convert_stay_harmless(latex):
    found = _markup.formula(latex)
    assert "<script>" not in found
    assert "<b>" not in found
    Page(f"<html>{found}</html>")


def test_redrawing_a_folder_gives_the_same_bytes(records, tmp_path):
    pages = []
    for name in ("first", "second"):
        kept.write(records, tmp_path / name / "data")
        pages.append(report_draw(tmp_path / name))
    first, second = (page.parent for page in pages)
    names = sorted(path.name for path in first.iterdir() if path.is_file())
    assert "report.html" in names
    assert names == sorted(path.name for path in second.iterdir() if path.is_file())
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_build_asks_for_markers_before_it_works(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("no markers\n")
    with pytest.raises(ValueError, match="verdicts:begin"):
        report_build(tmp_path / "out", [readme])
    assert not (tmp_path / "out").exists()


HOSTILE = Section(
    "own",
    "Own & others",
    "**Is it <so>?** Perhaps.",
    (
        "a < b & c",
        Table("rates <1>", ("arm", "loss"), (("E", "<b>0.1</b>"),)),
        Drawings(("own-1", "own-2"), "what is drawn"),
        "",
    ),
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><path id="p" d="M0 0"/></svg>'


def test_sections_of_others_are_on_the_page_escaped(records, tmp_path):
    drawn = [tmp_path / f"own-{i}.svg" for i in (1, 2)]
    for path in drawn:
        path.write_text(SVG)
    shown = Page(html.page(replace(records, sections=(HOSTILE,)), drawn))
    words = " ".join(shown.text)
    for part in ("Own & others", "Is it <so>?", "a < b & c", "<b>0.1</b>"):
        assert part in words
    assert {"href": "#own"} in shown.all("a")
    assert words.count("what is drawn") == 1
    assert "rates <1>" in [div.get("aria-label") for div in shown.all("div")]


def test_sections_are_read_back_as_they_were_written_and_copied_with_figures(tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    out.mkdir()
    sections.write(HOSTILE, source)
    assert sections.read(source) == (HOSTILE,)
    with pytest.raises(ValueError, match=r"needs .*own-1\.svg, which is not there"):
        sections.copy(source, out)
    for name in ("own-1.svg", "own-1.png", "own-2.svg"):
        (source / name).write_text(name)
    sections.copy(source, out)
    assert sections.read(out) == (HOSTILE,)
    assert (out / "own-1.png").read_text() == "own-1.png"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"blocks": [{"video": 1}]}', '{"blocks": [1]}', "\x00"]
)
def test_files_that_are_no_section_are_said_to_be_none(tmp_path, text):
    path = tmp_path / "data" / "sections" / "odd.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ValueError, match=r"odd\.json is no section of a report"):
        sections.read(tmp_path)


def test_a_damaged_section_is_said_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(collect, "collect", lambda *_: pytest.fail("began to work"))
    path = tmp_path / "data" / "sections" / "odd.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(ValueError, match=r"odd\.json is no section"):
        report_build(tmp_path)


def test_a_folder_without_sections_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"is needed, and .* has none"):
        sections.copy(tmp_path, tmp_path)
