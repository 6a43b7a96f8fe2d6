"""The report as a browser shows it: narrow and wide, light, dark and on paper."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from condlab.report import html, records
from tests.report import browser

PROGRAM = browser.found()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs Chromium")

FIGURES = Path(__file__).parents[2] / "figures"
NARROW, WIDE, PAPER = 400, 1280, 794  # pixels; the last is A4
STEP = 12  # one claim in so many, for speed
READABLE = 4.5  # contrast of text, WCAG 2.2, 1.4.3

# What sticks out of the window, but for what is scrolled by itself or drawn.
OUTSIDE = """
[...document.querySelectorAll("body *")].filter((e) => {
  const box = e.getBoundingClientRect();
  return box.width && (box.right > innerWidth + 1 || box.left < -1)
    && !e.closest("pre, svg, p:has(math), p:has(.matrix), .scroll:not(:has(#claims))");
}).map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 40)}`)
"""
CONTRAST = """
(() => {
  const context = document.createElement("canvas").getContext("2d",
    { willReadFrequently: true });
  const light = ([r, g, b]) => [r, g, b].map((x) => x / 255)
    .map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
    .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  const over = (element, own) => {
    const chain = [];
    for (let e = element; e; e = e.parentElement) {
      chain.unshift(getComputedStyle(e).backgroundColor);
    }
    context.fillStyle = "white";
    for (const colour of ["white", ...chain, ...(own ? [own] : [])]) {
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
    }
    return light(context.getImageData(0, 0, 1, 1).data);
  };
  const found = [];
  for (const e of document.querySelectorAll("main *:not(svg *):not(math *)")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !e.getBoundingClientRect().width) continue;
    const [a, b] = [over(e), over(e, getComputedStyle(e).color)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([ratio, `${e.tagName}.${e.className}: ${e.textContent.slice(0, 30)}`]);
  }
  return found;
})()
"""
SHOWN = """
[...document.querySelectorAll("#claims tbody tr")]
  .filter((row) => row.getBoundingClientRect().height).map((row) => row.dataset.key)
"""


def written(found, names, folder):
    path = folder / "report.html"
    path.write_text(html.page(found, [FIGURES / f"{name}.svg" for name in names]))
    return path.as_uri()


@pytest.fixture(scope="module")
def found():
    kept = records.read(FIGURES / "data")
    return replace(kept, theorems=kept.theorems[::STEP])


@pytest.fixture(scope="module")
def loaded(found, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    with browser.opened(PROGRAM, folder / "profile") as tab:
        tab.device(WIDE)
        tab.go(written(found, ["scalings", "studies-answer", "theorem-52"], folder))
        yield tab


@pytest.fixture
def tab(loaded):
    loaded.device(WIDE)
    loaded.run(
        """document.getElementById("search").value = "";
        document.getElementById("verdict").value = "";
        document.getElementById("verdict").dispatchEvent(new Event("change"));
        scrollTo(0, 0)"""
    )
    return loaded


def natural(key):
    """Return what sorts eq8 before eq14."""
    parts = re.split(r"(\d+)", key)
    return [int(part) if part.isdecimal() else part for part in parts]


def chosen(tab, search="", verdict=""):
    """Return the keys of the rows that a filter leaves."""
    fields = [["search", search], ["verdict", verdict]]
    tab.run(
        f"""for (const [id, value] of {fields}) {{
          const field = document.getElementById(id);
          field.value = value;
          field.dispatchEvent(new Event("input", {{ bubbles: true }}));
          field.dispatchEvent(new Event("change", {{ bubbles: true }}));
        }}"""
    )
    return tab.run(SHOWN)


def test_scripts_of_the_page_throw_nothing(tab):
    assert tab.errors() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_nothing_sticks_out_of_the_window(tab, width, scheme):
    tab.device(width, scheme=scheme)
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.run(OUTSIDE) == []


def test_verdicts_are_cards_where_it_is_narrow_and_a_table_where_it_is_wide(tab):
    head = 'getComputedStyle(document.querySelector("#claims thead")).display'
    cells = """(() => {
      const row = document.querySelector("#claims tbody tr");
      const boxes = [...row.cells].map((cell) => cell.getBoundingClientRect());
      return [new Set(boxes.map((b) => b.x)).size, new Set(boxes.map((b) => b.y)).size]
    })()"""
    assert tab.run(head) == "table-header-group"
    assert tab.run(cells) == [6, 1]
    tab.device(NARROW)
    assert tab.run(head) == "none"
    assert tab.run(cells) == [1, 6]
    scroller = 'document.querySelector(".scroll:has(#claims)")'
    assert tab.run(f"{scroller}.scrollWidth <= {scroller}.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(tab, scheme):
    tab.device(WIDE, scheme=scheme)
    seen = tab.run(CONTRAST)
    assert len(seen) > 500
    assert [words for ratio, words in seen if ratio < READABLE] == []


def test_dark_is_dark_and_light_is_light(tab):
    paper = "getComputedStyle(document.body).backgroundColor"
    ink = """getComputedStyle(document.querySelector("figure svg text")).fill"""
    assert tab.run(paper) == "rgb(255, 255, 255)"
    light = tab.run(ink)
    tab.device(WIDE, scheme="dark")
    assert tab.run(paper) == "rgb(20, 23, 26)"
    assert tab.run(ink) != light


def test_filters_leave_the_rows_that_they_say(tab, found):
    every = [entry["key"] for entry in found.theorems]
    assert chosen(tab) == every
    false = chosen(tab, verdict="falsified")
    assert 0 < len(false) < len(every)
    assert set(false) | set(chosen(tab, verdict="holds")) == set(every)
    assert chosen(tab, search=every[3]) == [every[3]]
    assert chosen(tab, search="no such claim <b>") == []
    said = tab.run('document.getElementById("shown").textContent')
    assert said == f"0 of {len(every)} claims"


def test_a_click_sorts_and_another_one_turns_it_round(tab, found):
    column = "#claims th:nth-child(1) button"
    tab.press(column)
    assert tab.run(SHOWN) == sorted(tab.run(SHOWN), key=natural)
    assert tab.run(
        f"""document.querySelector("{column}").parentElement.ariaSort"""
    ) == ("ascending")
    first = tab.run(SHOWN)
    tab.press(column)
    assert tab.run(SHOWN) == first[::-1]
    tab.press("#claims th:nth-child(5) button")
    numbers = tab.run(
        """[...document.querySelectorAll("#claims tbody tr")]
        .map((row) => row.cells[4].dataset.sort)"""
    )
    assert list(map(float, numbers)) == sorted(map(float, numbers))
    assert len(numbers) == len(found.theorems)


def test_every_link_leads_to_a_section_that_is_then_seen(tab):
    links = tab.run('[...document.querySelectorAll("nav a")].map((a) => a.hash)')
    named = tab.run('[...document.querySelectorAll("section[id]")].map((s) => s.id)')
    assert links == [f"#{name}" for name in named]
    assert len(links) > 5
    for link in links:
        tab.press(f'nav a[href="{link}"]')
        top = f'document.querySelector("{link}").getBoundingClientRect().top'
        assert tab.run(f"-1 <= {top} && {top} < innerHeight"), link


def test_on_paper_all_is_shown_and_nothing_is_cut_off(tab, found):
    tab.device(PAPER, media="print", scheme="dark")
    assert tab.run("document.documentElement.scrollWidth") <= PAPER
    hidden = """["nav", ".controls"].map((name) =>
      getComputedStyle(document.querySelector(name)).display)"""
    assert tab.run(hidden) == ["none", "none"]
    assert len(tab.run(SHOWN)) == len(found.theorems)
    cut = """[...document.querySelectorAll(".scroll")].filter((e) =>
      e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1)
      .map((e) => e.ariaLabel)"""
    assert tab.run(cut) == []
    assert tab.run("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    assert tab.pdf().startswith(b"%PDF")


@pytest.mark.slow
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_nothing_sticks_out_of_the_whole_report(width, tmp_path):
    names = [path.stem for path in sorted(FIGURES.glob("*.svg"))]
    with browser.opened(PROGRAM, tmp_path / "profile") as tab:
        tab.device(width)
        tab.go(written(records.read(FIGURES / "data"), names, tmp_path))
        assert tab.run("document.documentElement.scrollWidth") <= width
        assert tab.run(OUTSIDE) == []
        assert tab.errors() == []
