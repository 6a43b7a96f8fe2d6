"""What the studies found, as Markdown and as a section of the report."""

from condlab.report.sections import Drawings, Table
from studies.analysis.blocks import claim_table, section, studies_block


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


def test_claims_and_shares_are_tables_of_the_section():
    claim = {"claim": "E is <faster>", "verdict": "not testable here"}
    shares = {"share_centring": 0.123, "share_dividing": 4.5e-5, "runs": 7}
    share = {"study": "high_learning_rate", "arm": "WS", **shares}
    found = section({"claims": [claim], "smoothness": [share]}, [])
    claims, removed = (each for each in found.blocks if isinstance(each, Table))
    assert claims.rows[0][0] == "E is <faster>"
    assert removed.rows == (("high learning rate, WS", "12 %", "0.0045 %", "7"),)


def test_the_answer_is_drawn_first_and_the_theorem_last():
    names = ["studies-answer", "studies-vit", "studies-nerf", "theorem-52"]
    found = section({"claims": []}, names)
    drawn = [b.names for b in found.blocks if isinstance(b, Drawings)]
    assert drawn == [tuple(names[:1]), tuple(names[1:3]), tuple(names[3:])]
