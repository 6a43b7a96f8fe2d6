import pytest

from condlab.report.tables import (
    SOURCES,
    check_page,
    claim_table,
    studies_block,
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


def test_a_claim_that_holds_names_the_controls_that_do_as_well():
    ratio = {"value": -1.0, "lower": -2.0, "upper": 0.0, "n": 3}
    held = {"claim": "E", "verdict": "reproduced", "own": ratio, "matched": ratio}
    *_, first, second = claim_table(
        [{**held, "alike": ["init_E", "WN"]}, {"claim": "F", "verdict": "not testable"}]
    ).splitlines()
    assert first.endswith("| reproduced; as fast: init_E, WN |")
    assert second == "| F | – | – | – | – | – | not testable |"


def test_a_ratio_that_is_a_bound_is_printed_as_one():
    bound = {"bound": ">", "reached": [0, 4], "pairs": 4, "n": 4}
    never = {"value": 1.0, "lower": 0.5, "upper": "inf", **bound}
    gain = {"value": -0.5, "lower": -0.8, "upper": -0.2, "n": 4}
    claim = {
        "claim": "E", "verdict": "contradicted", "own": never, "matched": never,
        "edge": ["E"], "alike": [], "beside": {"E_gain": gain},
    }  # fmt: skip
    *_, row = claim_table([claim]).splitlines()
    assert "| > 2.00 [1.41, ∞), n = 4, arrived 0 and 4 of 4; best rate at the" in row
    assert row.endswith("| contradicted; but E_gain 0.71 [0.57, 0.87], n = 4 |")


def test_the_block_of_studies_says_what_its_words_mean_and_what_is_withdrawn():
    claim = {"claim": "F", "verdict": "not testable here"}
    lost = {"study": "vit", "arm": "LN+W", "series": "lambda_max", "runs": 12}
    block = studies_block({
        "claims": [claim], "words": [["not shown", "anything else"]],
        "withdrawn": [lost, {**lost, "series": "kappa_hessian"}],
    })  # fmt: skip
    assert block.startswith("| claim | seen on |")
    assert "*not shown*: anything else." in block
    assert "12 weight-normalised runs (LN+W)" in block
