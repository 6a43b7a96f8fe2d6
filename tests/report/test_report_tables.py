import pytest

from condlab.report.tables import (
    SOURCES,
    check_page,
    update_page,
    verdict_table,
)

README = """# Title
<!-- summary:begin -->
old
<!-- summary:end -->
between
<!-- verdicts:begin -->
old
<!-- verdicts:end -->
after
"""


@pytest.fixture
def readme(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(README)
    return path


def test_only_what_stands_between_the_markers_changes(readme, records):
    update_page(readme, records)
    lines = readme.read_text().splitlines()
    assert lines[:4] == [
        "# Title",
        "<!-- summary:begin -->",
        "2 readings of claims of the sources: 0 hold, 2 falsified, 0 inconclusive. "
        "5 theorems and folklore of the literature: 2 hold, 1 falsified, "
        "2 inconclusive.",
        "<!-- summary:end -->",
    ]
    assert lines[4:6] == ["between", "<!-- verdicts:begin -->"]
    assert lines[-2:] == ["<!-- verdicts:end -->", "after"]
    table = "\n".join(lines[6:-2])
    assert table == verdict_table(records.theorems)


def test_a_second_update_changes_nothing(readme, records):
    update_page(readme, records)
    once = readme.read_bytes()
    update_page(readme, records)
    assert readme.read_bytes() == once


@pytest.mark.parametrize(
    "text",
    ["", "<!-- verdicts:begin -->", "<!-- verdicts:end -->\n<!-- verdicts:begin -->"],
)
def test_missing_markers_are_a_clear_error(tmp_path, text, records):
    path = tmp_path / "README.md"
    path.write_text(text)
    for refused in (lambda: update_page(path, records), lambda: check_page(path)):
        with pytest.raises(ValueError, match=r"needs the lines <!-- verdicts:begin"):
            refused()
    assert path.read_text() == text


def test_parts_other_than_the_verdicts_are_optional(tmp_path, records):
    path = tmp_path / "README.md"
    path.write_text("<!-- verdicts:begin -->\n<!-- verdicts:end -->\n")
    update_page(path, records)
    assert path.read_text().startswith("<!-- verdicts:begin -->\n| claim |")


def test_readings_share_a_row_and_show_the_smallest_size(records):
    table = verdict_table(records.theorems)
    assert "| `wc-thm5.1` | – | rows-tall (3) |" in table
    assert "| `wc-planted` | – | unconfirmed (1) |" in table
    assert "2 hold (2 attained), 1 falsified, 2 inconclusive" in table
    assert "Falsified: `planted-smaller-trace`." in table


def test_the_table_of_the_catalogue_stays_short(records):
    from condlab.theory import CATALOGUE

    entry = records.theorems[0]
    theorems = [entry | {"key": key} for key in CATALOGUE]
    table = verdict_table(theorems)
    assert len(table.splitlines()) <= 50
    readings = sum(key.split("-")[0] in SOURCES for key in CATALOGUE)
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert sum(row.count("` ") * row.count(" (3)") for row in rows) == readings


def test_claims_whose_readings_fare_alike_share_a_row(records):
    entry = records.theorems[0]
    keys = ["ws-a-one", "ws-b-one", "ws-c-two"]
    table = verdict_table([entry | {"key": key} for key in keys])
    assert "| `ws-a` `ws-b` | – | one (3) |" in table
    assert "| `ws-c` | – | two (3) |" in table
