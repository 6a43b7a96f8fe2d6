import json
import math
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import condlab
from condlab.collection import COLLECTION
from condlab.comparison import SCALINGS
from condlab.report import _json, collect
from condlab.report import records as kept
from condlab.report._json import as_float
from condlab.report.matrices import VAN_DER_SLUIS
from condlab.report.summary import counts, evidence, outcome, ratio
from condlab.report.trials import MORE_EXAMPLES

FIGURES = Path(__file__).parents[2] / "figures"
SIX = {"rel_tol": 5e-6}  # records keep six digits of a condition number

floats = st.floats(allow_nan=False, allow_infinity=False)
arrays = hnp.arrays(
    np.float64, hnp.array_shapes(max_dims=2, max_side=3), elements=floats
)
instances = st.recursive(
    st.one_of(arrays, floats, st.just(math.inf), st.integers(), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple)
    ),
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@given(instance=instances)
def test_instances_come_back_to_the_last_bit(instance):
    text = json.dumps(_json.encode(instance), allow_nan=False)
    assert same(_json.decode(json.loads(text)), instance)


def test_what_cannot_be_read_back_says_so():
    with pytest.raises(ValueError, match="only arrays and numbers"):
        _json.decode(_json.encode(object()))


@given(x=floats)
def test_numbers_keep_twelve_digits(x):
    assert math.isclose(_json.as_float(_json.number(x)), x, rel_tol=5e-12)


def test_records_come_back_from_their_files(records, tmp_path):
    kept.write(records, tmp_path)
    assert kept.read(tmp_path) == records


def test_two_runs_give_the_same_bytes(records, make_records, tmp_path):
    kept.write(records, tmp_path / "first")
    kept.write(make_records(), tmp_path / "second")
    for name in ("verdicts.json", "matrices.json"):
        first, second = (tmp_path / run / name for run in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


def test_files_have_sorted_keys_and_nothing_of_the_machine(records, tmp_path):
    kept.write(records, tmp_path)
    for path in tmp_path.iterdir():
        for line in path.read_text().splitlines()[1:-1]:
            entry = json.loads(line.rstrip(","))
            assert list(entry) == sorted(entry)
        assert str(Path.cwd()) not in path.read_text()


def test_worker_processes_find_what_this_one_finds(by_key, records):
    keys, messages = ["bauer1963-rows-inf", "wc-thm5.1-rows-tall"], []
    found = collect.collect(keys, ["karate"], messages.append)
    assert found.theorems == [by_key[key] for key in keys]
    assert found.matrices == records.matrices[:1]
    counted = [message.split(":")[0] for message in messages]
    assert counted == ["1 of 3", "2 of 3", "3 of 3"]


def test_a_failure_in_a_worker_says_where():
    failed = Future()
    failed.set_exception(KeyError("no such matrix"))
    with pytest.raises(KeyError) as error:
        collect._gather({failed: ("matrix", "lost")}, collect.silent)
    assert error.value.__notes__ == ["while the report was at the matrix lost"]


@pytest.mark.parametrize("key", ["planted-smaller-trace", "wc-thm5.1-rows-tall"])
def test_printed_counterexamples_are_the_certified_ones(key, by_key, theorems):
    theorem, text = theorems[key], json.dumps(by_key[key])
    falsified = [
        verdict
        for verdict in json.loads(text)["verdicts"]
        if verdict["outcome"] == "falsified"
    ]
    assert falsified
    for verdict in falsified:
        instance = _json.decode(verdict["counterexample"])
        assert theorem.confirm(instance)
        assert theorem.enclose(instance) == verdict["certificate"]
        assert verdict["lhs"] > verdict["rhs"]


def test_every_kind_of_verdict_is_told(by_key, records):
    found = {key: outcome(entry) for key, entry in by_key.items()}
    assert found == {
        "wc-thm5.1-rows-tall": "falsified",
        "bauer1963-rows-inf": "holds",
        "planted-smaller-trace": "falsified",
        "planted-cauchy": "holds",
        "planted-doubt": "inconclusive",
        "planted-empty": "inconclusive",
        "wc-planted-unconfirmed": "falsified",
    }
    number = counts(records.theorems)
    assert number == {"holds": 2, "falsified": 3, "inconclusive": 2}


def test_smaller_sizes_are_searched_harder(by_key):
    verdicts = by_key["planted-smaller-trace"]["verdicts"]
    assert evidence(by_key["planted-smaller-trace"])["size"] == 2
    sizes = [verdict["size"] for verdict in verdicts]
    assert sizes == [1, 2, 3, 4, 5]
    assert verdicts[0]["outcome"] == "holds"
    # One integer in [-3, 3] has only seven values; they are exhausted.
    assert verdicts[0]["examples"] >= min(7, MORE_EXAMPLES)


def test_an_attained_bound_has_ratio_one(by_key):
    assert ratio(by_key["planted-cauchy"]) == 1.0
    assert evidence(by_key["planted-cauchy"])["size"] > 1
    assert math.isnan(ratio(by_key["planted-empty"]))


def test_a_theorem_without_confirmation_has_no_certificate(by_key):
    verdict = evidence(by_key["wc-planted-unconfirmed"])
    assert verdict["certificate"] is None
    assert _json.decode(verdict["counterexample"]) == 0.7


def test_families_are_the_subjects_of_the_catalogue(by_key):
    assert by_key["planted-cauchy"]["family"] == "Others"
    assert "Weight conditioning" in by_key["wc-thm5.1-rows-tall"]["family"]


def test_condition_numbers_agree_with_lapack(records):
    entry, A = records.matrices[0], COLLECTION["karate"].load()
    assert math.isclose(entry["kappa_2"]["value"], np.linalg.cond(A.toarray()), **SIX)
    for name, (scaling, _) in SCALINGS.items():
        B = scaling(A).apply(A).toarray()
        assert math.isclose(entry["scaled"][name]["value"], np.linalg.cond(B), **SIX)


def test_rounded_brackets_still_hold_the_certain_ones(records):
    entry, A = records.matrices[0], COLLECTION["karate"].load()
    for name, (_, side) in SCALINGS.items():
        exact, rounded = condlab.optimal_scaling(A, side=side), entry["optima"][side]
        best, found = exact.optimum, entry["scaled"][name]
        assert rounded["lower"] <= best.lower <= best.upper <= rounded["upper"]
        assert rounded["upper"] / rounded["lower"] < 1.005 * 1.02  # three digits
        assert found["within"] >= found["value"] / best.lower * (1 - 1e-9)
    for side in VAN_DER_SLUIS:
        exact, rounded = condlab.van_der_sluis(A, side=side), entry["brackets"][side]
        assert rounded["lower"] <= exact.lower <= exact.upper <= rounded["upper"]
        optimum = entry["optima"][side]
        assert rounded["lower"] <= optimum["upper"]
        assert optimum["lower"] <= rounded["upper"]


def test_the_best_scaling_beats_every_other_of_its_kind(records):
    for entry in records.matrices[:3]:
        for name, (_, side) in SCALINGS.items():
            found, best = entry["scaled"][name], entry["optima"][side]
            if not (found and best) or math.isinf(as_float(found["value"])):
                continue
            if math.isinf(as_float(best["lower"])):  # certainly singular, all know
                assert entry["rank"] < min(entry["shape"])
            else:
                assert best["lower"] <= found["value"]
                assert 1 <= found["within"]


def test_a_diagonal_matrix_is_scaled_to_the_identity(records):
    entry = records.matrices[2]
    assert entry["kappa_2"]["value"] == 1000.0
    assert {found["value"] for found in entry["scaled"].values()} == {1.0}


def test_no_scaling_helps_a_singular_matrix(records):
    entry = records.matrices[1]
    assert entry["rank"] == 1
    assert entry["kappa_2"]["value"] == "inf"
    assert entry["scaled"]["row"]["value"] == "inf"
    assert entry["scaled"]["jacobi"] is None


def test_a_matrix_that_cannot_be_loaded_is_named(records):
    assert records.matrices[3]["name"] == "missing"
    assert "<something>" in records.matrices[3]["missing"]


def test_the_committed_report_finds_what_is_known_to_be_false():
    from condlab.theory import CATALOGUE

    committed = json.loads((FIGURES / "data" / "verdicts.json").read_text())
    found = {
        entry["key"]: min(
            (v["size"] for v in entry["verdicts"] if v["outcome"] == "falsified"),
            default=None,
        )
        for entry in committed["theorems"]
    }
    assert found == {key: each.false_from for key, each in CATALOGUE.items()}
