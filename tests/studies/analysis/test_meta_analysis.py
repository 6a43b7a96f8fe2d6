"""The analysis of all records, on records made to have known answers."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from condlab.report import sections
from studies.__main__ import main
from studies.analysis import meta_analysis
from studies.analysis.runs import as_runs, predictors_of, target_of, withdrawn
from studies.engine.store import read_lines, write_lines
from tests.studies.analysis.made_records import FASTER, STEPS, record, records


def analysed(folder):
    return meta_analysis.main(folder)


@pytest.fixture
def results(tmp_path):
    write_lines(tmp_path / "inception" / "cpu.jsonl", records())
    write_lines(
        tmp_path / "high_learning_rate" / "cpu.jsonl", records("high_learning_rate")
    )
    return tmp_path


def test_the_target_is_the_plain_loss_at_65_percent_of_its_best_rate():
    fast = [record("plain", 0.3, s, constant=20, kappa=1) for s in range(3)]
    slow = [record("plain", 0.1, s, constant=50, kappa=1) for s in range(3)]
    assert target_of(slow + fast) == pytest.approx(math.exp(-65 / 20))


def test_the_target_is_the_plain_loss_at_half_where_the_rate_falls_to_zero():
    runs = [record("plain", 0.3, s, constant=20, kappa=1) for s in range(3)]
    for run in runs:
        run["config"]["schedule"] = "cosine"
    assert target_of(runs) == pytest.approx(math.exp(-50 / 20))


def test_diverged_runs_make_no_target():
    run = record("plain", 0.1, 0, constant=20, kappa=1)
    run["series"]["probe_loss"] = [[0, 1.0], [5, None]]
    assert target_of([run]) == -math.inf
    run["series"]["probe_loss"] = [[0, 1.0]]
    kept = record("plain", 0.3, 0, constant=20, kappa=1)
    assert target_of([run, kept]) == pytest.approx(math.exp(-65 / 20))


def test_a_run_that_diverged_is_censored():
    good = record("plain", 0.1, 0, constant=20, kappa=1)
    lost = record("E", 0.1, 0, constant=20, kappa=1)
    lost["series"]["probe_loss"] = [[0, 1.0], [5, None]]
    times = {run.arm: run.time for run in as_runs("s", "x", [good, lost])}
    assert times["plain"].reached
    assert not times["E"].reached


def test_predictors_are_taken_after_a_tenth_of_the_steps():
    found = predictors_of(record("plain", 0.1, 0, constant=20, kappa=7.0))
    assert found["kappa_effective"] == 7.0
    assert found["initial_scale"] == 2.0
    assert math.isnan(found["kappa_hessian"])


def test_an_arm_that_halves_the_time_is_found_to_halve_it(results):
    found = json.loads(analysed(results).read_text())
    claim = next(c for c in found["claims"] if c["key"] == "table-1")
    # The target is interpolated between evaluations, which moves times a little.
    assert 2 ** claim["own"]["value"] == pytest.approx(FASTER, rel=0.05)
    assert (claim["matched"]["n"], claim["matched"]["pairs"]) == (4, 8)
    assert claim["verdict"] == "reproduced"
    assert claim["alike"] == []


def test_an_arm_that_doubles_the_time_contradicts(tmp_path):
    swapped = records()
    for run in swapped:
        names = {"plain": "E", "E": "plain"}
        run["config"]["arm"] = names.get(run["config"]["arm"], "WN")
    write_lines(tmp_path / "inception" / "cpu.jsonl", swapped)
    found = json.loads(analysed(tmp_path).read_text())
    verdicts = {c["key"]: c["verdict"] for c in found["claims"]}
    assert verdicts["table-1"] == "contradicted"
    assert verdicts["table-4"] == "not testable here"


def test_a_predictor_that_is_the_time_correlates_fully(results):
    found = json.loads(analysed(results).read_text())
    pooled = {
        c["predictor"]: c for c in found["correlations"] if c["study"] == "pooled"
    }
    assert pooled["kappa_effective"]["rho"] > 0.9
    assert pooled["kappa_effective"]["runs"] == 48
    assert "lambda_max" not in pooled  # it does not vary


def test_kappas_of_twins_in_every_gauge_are_correlated_and_told(tmp_path):
    made = records("twins")
    for run in made:
        kappa = run["series"].pop("kappa_effective")
        run["config"]["of"] = "inception"
        run["series"]["kappa_hessian"] = kappa
        run["series"]["kappa_sphere"] = [[step, -x] for step, x in kappa]
        run["series"]["kappa_quotient"] = kappa
        run["series"]["method_quotient"] = [[step, "dense"] for step, _ in kappa]
    write_lines(tmp_path / "twins" / "cpu.jsonl", made)
    write_lines(tmp_path / "inception" / "cpu.jsonl", records())
    found = json.loads(analysed(tmp_path).read_text())
    rho = {c["predictor"]: c["rho"] for c in found["correlations"]
           if c["study"] == "twins"}  # fmt: skip
    assert rho["kappa_hessian"] == rho["kappa_quotient"] > 0.9
    assert rho["kappa_sphere"] < -0.9
    assert "exact in small networks and twins, has ρ = 1.00" in found["answer"]
    assert "on the space that all arms share has ρ = 1.00" in found["answer"]
    assert not any(claim.get("study") == "twins" for claim in found["claims"])


def test_the_same_records_give_the_same_bytes(results):
    first = analysed(results).read_bytes()
    assert analysed(results).read_bytes() == first


def test_the_view_is_of_the_best_rates_first_run(tmp_path):
    made = records("nerf", "E_all")
    for i, run in enumerate(made):
        run["tables"]["end"] = {"render": f"r{i}", "truth": "t", "ssim": 0.5}
        run["series"]["psnr"] = [[0, 1.0], [STEPS, float(i)]]
    write_lines(tmp_path / "nerf" / "cpu.jsonl", made)
    (setting,) = json.loads(analysed(tmp_path).read_text())["settings"]
    own = setting["arms"]["E_all"]
    assert own["best_lr"] == 0.3  # the time constant is 40 / (1 + lr)
    first = next(
        i for i, run in enumerate(made)
        if (run["config"]["arm"], run["config"]["lr"]) == ("E_all", 0.3)
    )  # fmt: skip
    kept = {"render": f"r{first}", "truth": "t", "ssim": 0.5, "psnr": float(first)}
    assert own["view"] == kept


def test_no_records_are_said_to_be_missing(tmp_path):
    with pytest.raises(SystemExit, match="no records"):
        meta_analysis.main(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"config": None}, {"config": {"arm": "E"}}, {"series": []}, {"tables": 1.0}],
)
def test_a_line_that_is_no_runs_record_is_named(tmp_path, change):
    first, second, *_ = records()
    write_lines(tmp_path / "inception" / "cpu.jsonl", [first, {**second, **change}])
    with pytest.raises(ValueError, match=r"line 2 of .*cpu\.jsonl is no record"):
        analysed(tmp_path)


def test_shares_of_the_gradient_are_medians_over_runs_and_times(tmp_path):
    made = records()
    for i, run in enumerate(made):
        run["series"]["share_centring"] = [[0, 0.25], [10, 0.75], [20, 0.5]]
        run["series"]["share_dividing"] = [[0, i / 100]]
    write_lines(tmp_path / "inception" / "cpu.jsonl", made)
    rows = json.loads(analysed(tmp_path).read_text())["smoothness"]
    assert [row["arm"] for row in rows] == ["plain", "E"]
    assert {row["share_centring"] for row in rows} == {0.5}
    assert rows[0]["share_dividing"] == pytest.approx(np.median(range(0, 24, 3)) / 100)
    assert rows[0]["runs"] == 8


def test_records_without_shares_have_none(results):
    assert json.loads(analysed(results).read_text())["smoothness"] == []


def test_a_claim_of_one_kind_of_network_is_judged_by_that_kind_alone(tmp_path):
    made = []
    kinds = {"relu": ("plain", "E_all"), "sine": ("E_all", "plain")}
    for kind, (first, second) in kinds.items():
        for run in records("shapes", "E_all"):
            names = {"plain": first, "E_all": second}
            run["config"]["arm"] = names.get(run["config"]["arm"], "WN")
            run["config"]["activation"] = kind
            made.append(run)
    write_lines(tmp_path / "shapes" / "cpu.jsonl", made)
    found = json.loads(analysed(tmp_path).read_text())
    verdicts = {c["key"]: c["verdict"] for c in found["claims"]}
    assert verdicts["supplement-3d"] == "reproduced"
    assert verdicts["supplement-3d-sine"] == "contradicted"
    assert verdicts["supplement-3d-gaussian"] == "not testable here"


def test_a_run_that_never_arrives_makes_the_ratio_a_bound(tmp_path):
    made = records()
    for run in made:
        config = run["config"]
        if (config["arm"], config["lr"]) == ("E", 0.1):
            run["series"]["probe_loss"] = [[0, 1.0], [STEPS, 0.99]]
    write_lines(tmp_path / "inception" / "cpu.jsonl", made)
    found = json.loads(analysed(tmp_path).read_text())
    claim = next(c for c in found["claims"] if c["key"] == "table-1")
    assert (claim["own"]["bound"], claim["matched"]["bound"]) == ("", ">")
    assert claim["matched"]["upper"] == "inf"
    assert claim["matched"]["reached"] == [4, 8]
    assert claim["edge"] == ["E", "plain"]  # of two rates each is at the edge


def test_presets_are_judged_apart_and_say_what_they_were_seen_on(tmp_path):
    write_lines(tmp_path / "inception" / "cpu.jsonl", records())
    real = records()
    for run in real:
        arm = run["config"]["arm"]
        run["preset"] = "real"
        run["config"]["arm"] = {"plain": "E", "E": "plain"}.get(arm, arm)
    write_lines(tmp_path / "inception" / "real.jsonl", real)
    found = json.loads(analysed(tmp_path).read_text())
    rows = [c for c in found["claims"] if c["key"] == "table-1"]
    assert [(c["seen"]["preset"], c["verdict"]) for c in rows] == [
        ("cpu", "reproduced"),
        ("real", "contradicted"),
    ]
    assert rows[0]["seen"]["seeds"] == 4
    assert rows[0]["seen"]["steps"] == STEPS


def test_fewer_than_three_seeds_are_no_verdict(tmp_path):
    two = [run for run in records() if run["config"]["seed"] < 2]
    write_lines(tmp_path / "inception" / "cpu.jsonl", two)
    found = json.loads(analysed(tmp_path).read_text())
    verdicts = {c["key"]: c["verdict"] for c in found["claims"]}
    assert verdicts["table-1"] == "too few seeds"


def test_the_test_metric_at_the_end_is_told_of_both_arms(tmp_path):
    made = records()
    for run in made:
        gain = 0.1 if run["config"]["arm"] == "E" else 0.0
        value = 0.8 + gain + run["config"]["seed"] / 100
        run["series"]["accuracy"] = [[0, 0.1], [STEPS, value]]
    write_lines(tmp_path / "inception" / "cpu.jsonl", made)
    found = json.loads(analysed(tmp_path).read_text())
    end = next(c for c in found["claims"] if c["key"] == "table-1")["end"]
    assert end["metric"] == "accuracy"
    assert end["difference"]["value"] == pytest.approx(0.1)
    assert end["arms"]["E"]["value"] == pytest.approx(0.915)


def test_one_command_goes_from_records_to_the_table(results, tmp_path, capsys):
    figures = tmp_path / "figures"
    (figures / "data").mkdir(parents=True)
    empty = {"settings": {}, "theorems": []}
    (figures / "data" / "verdicts.json").write_text(json.dumps(empty))
    (figures / "data" / "matrices.json").write_text('{"matrices": []}')
    readme = tmp_path / "README.md"
    markers = [f"<!-- {n}:{e} -->" for n in ("answer", "studies", "verdicts") for e in
               ("begin", "end")]  # fmt: skip
    readme.write_text("\n".join(markers))
    path = results / "inception" / "cpu.jsonl"
    made = read_lines(path)
    for run in made:  # what has no test metric has no figure
        run["series"]["accuracy"] = [[0, 0.1], [STEPS, 0.8]]
    write_lines(path, made)
    command = ["analyse", "--results", str(results), "--figures", str(figures)]
    assert main([*command, "--pages", str(readme)]) == 0
    assert (figures / "studies-answer.svg").exists()
    text = readme.read_text()
    assert "Does the condition number go with convergence?" in text
    assert "E trains faster than batch norm alone" in text
    assert str(figures / "studies-inception.svg") in capsys.readouterr().out
    (found,) = sections.read(figures)
    assert found.title == "Studies"
    assert {*sections.drawings((found,))} == {p.stem for p in figures.glob("*.svg")}


def test_old_curvature_of_weight_normalised_runs_is_withdrawn():
    old = record("WN", 0.1, 0, constant=20, kappa=1.0)
    assert "lambda_max" not in withdrawn(old)["series"]
    assert withdrawn(old)["series"]["probe_loss"] == old["series"]["probe_loss"]
    mended = old | {"curvature_revision": 2}
    assert withdrawn(mended) == mended
    plain = record("plain", 0.1, 0, constant=20, kappa=1.0)
    assert withdrawn(plain) == plain


def test_help_is_no_folder():
    command = [sys.executable, "-m", "studies.analysis.meta_analysis", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "write meta_analysis.json beside them" in " ".join(done.stdout.split())


def test_what_must_correlate_is_told_from_chance_among_all_that_was_asked():
    found = json.loads((meta_analysis.RESULTS / "meta_analysis.json").read_text())
    control = [c for c in found["correlations"] if c["study"] == meta_analysis.CONTROL]
    assert {c["predictor"] for c in control} == {"kappa_hessian", "lambda_max"}
    assert max(c["p_holm"] for c in control) < 0.001
