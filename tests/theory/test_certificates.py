"""Counterexamples that a reader can check without condlab."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from condlab.cli import main
from condlab.theory import CATALOGUE
from condlab.theory.certificates import CHECKER, STATEMENTS, certificate, check, table

SHIPPED = CHECKER.with_name("counterexamples.json")
FILE = json.loads(SHIPPED.read_text("utf-8"))
CERTIFICATES = FILE["counterexamples"]


def run(path, folder):
    """Run a copy of the checker where nothing but the standard library is in reach."""
    alone = shutil.copy(CHECKER, folder / "alone.py")
    command = [sys.executable, "-I", "-S", str(alone), str(path)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_checker_fits_on_a_page_and_needs_python_alone():
    text = CHECKER.read_text("utf-8")
    modules = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    assert len(text.splitlines()) < 150
    assert modules <= sys.stdlib_module_names


def test_checker_accepts_the_shipped_file_by_itself(tmp_path):
    found = run(SHIPPED, tmp_path)
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("false: ") == len(CERTIFICATES) >= 80


def test_checker_does_not_mind_how_the_file_is_laid_out(tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps({**FILE, "counterexamples": CERTIFICATES[:1]}), "utf-8")
    assert run(path, tmp_path).returncode == 0


def test_every_statement_is_of_a_false_claim_and_in_the_checkers_digest():
    assert all(CATALOGUE[key].false_from for key in STATEMENTS)
    assert {c["claim"] for c in CERTIFICATES} == set(STATEMENTS)
    assert table() == FILE["catalogue"]
    # python -m condlab.theory.certificates writes both anew
    assert check.digest(table()) == check.CATALOGUE


def agrees(key, count):
    """Hold the checker's statement of a claim to the claim's own formula."""
    theorem = CATALOGUE[key]
    followed = []

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(theorem.instances(theorem.false_from))
    def probe(instance):
        try:
            certificate(key, instance)
        except ValueError:
            return
        followed.append(instance)
        assert theorem.confirm(instance)

    probe()
    return followed


SOME = sorted(STATEMENTS)[::9]


@pytest.mark.parametrize("key", SOME)
def test_what_the_checker_refutes_the_claims_formula_refutes(key):
    agrees(key, 8)


@pytest.mark.slow
@pytest.mark.parametrize("key", sorted(set(STATEMENTS) - set(SOME)))
def test_what_the_checker_refutes_every_formula_refutes(key):
    agrees(key, 12)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"witnesses"', '"instance"', 1),
        lambda text: text.replace('"seal"', '"seal": "", "seal"', 1),
        lambda text: text.replace("wc-thm5.1-rows", "wc-thm5.1-rowz"),
        lambda text: "[]",
        lambda text: "{}",
        lambda text: json.dumps({**FILE, "counterexamples": []}, indent=1) + "\n",
        lambda text: (
            json.dumps({**FILE, "counterexamples": CERTIFICATES[:1] * 2}, indent=1)
            + "\n"
        ),
        lambda text: (
            json.dumps({**FILE, "catalogue": {}, "counterexamples": []}, indent=1)
            + "\n"
        ),
        lambda text: "[" * 100_000,
    ],
)
def test_checker_refuses_a_damaged_file_in_one_line(tmp_path, damage):
    path = tmp_path / "damaged.json"
    path.write_text(damage(SHIPPED.read_text("utf-8")), "utf-8")
    found = run(path, tmp_path)
    assert found.returncode == 1
    assert found.stderr.startswith("refused: ")
    assert len(found.stderr.splitlines()) == 1


def test_verify_exports_what_the_checker_accepts(tmp_path, capsys):
    path = tmp_path / "found.json"
    keys = ["wc-thm5.1-rows", "wc-thm5.1-rows-two", "folklore-determinant"]
    code = main(["verify", *keys, "--max-examples", "30", "--export", str(path)])
    printed = capsys.readouterr().out
    assert code == 0
    assert "2 of 2 counterexamples have a certificate." in printed
    assert f"python {CHECKER} {path}" in printed
    found = run(path, tmp_path)
    assert found.returncode == 0
    assert [line.split(": ")[1] for line in found.stdout.splitlines()] == keys[::2]


def test_verify_says_which_counterexamples_have_no_certificate(tmp_path, capsys):
    path = tmp_path / "found.json"
    key = "wc-prop1-trained"
    main(["verify", key, "--sizes", "3", "--export", str(path)])
    printed = capsys.readouterr().out
    assert "0 of 1 counterexamples have a certificate." in printed
    assert f"{key}: it has no statement in the checker's language" in printed
    assert not path.exists()


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("", "--export must be .json"),
        ("nowhere/found.json", "there is no directory"),
        ("there.json", "exists already"),
    ],
)
def test_verify_refuses_a_place_where_nothing_can_be_written(
    tmp_path, capsys, place, said
):
    Path(tmp_path, "there.json").touch()
    assert main(["verify", "wc-conv", "--export", str(Path(tmp_path, place))]) == 2
    assert said in capsys.readouterr().err
