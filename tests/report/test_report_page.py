import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from condlab.report import _markup, figures, html
from condlab.report import build as report_build
from condlab.report import draw as report_draw
from condlab.report import records as kept

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


def test_claims_and_shares_of_studies_are_tables(records, tmp_path):
    claim = {"claim": "E is <faster>", "verdict": "not testable here"}
    shares = {"share_centring": 0.123, "share_dividing": 4.5e-5, "runs": 7}
    share = {"study": "high_learning_rate", "arm": "WS", **shares}
    found = replace(records, studies={"claims": [claim], "smoothness": [share]})
    words = " ".join(Page(html.page(found, [])).text)
    for part in ("E is <faster>", "high learning rate, WS", "12 %", "0.0045 %"):
        assert part in words
