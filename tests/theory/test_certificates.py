"""Counterexamples that a reader can check without condlab, and forgeries of them."""

import ast
import copy
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
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


def refused(found, catalogue=FILE["catalogue"]):
    try:
        check.check(found, catalogue)
    except Exception:
        return True
    return False


def sealed(found):
    stated = {key: found[key] for key in ("claim", "words", "let", "if", "then")}
    rest = {key: found[key] for key in ("instance", "witnesses")}
    return {**found, "seal": check.digest([stated, rest])}


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


def another(numbers, rng):
    """Return a line of rationals with one of them changed."""
    texts = numbers.split(" ")
    k = rng.randrange(len(texts))
    texts[k] = rng.choice(["0", "1", "-1", "2", "3/2", f"-{texts[k].strip('-')}"])
    return " ".join(texts)


def change_entry(found, rng):
    name = rng.choice(list(found["instance"]))
    lines = found["instance"][name]
    k = rng.randrange(len(lines))
    lines[k] = another(lines[k], rng)


def change_witness(found, rng):
    part = rng.choice(rng.choice(found["witnesses"] or [[["1"]]]))
    k = rng.randrange(len(part))
    part[k] = another(part[k], rng)


def swap_sides(found, rng):
    left, right = found["then"].split(" <= ")
    found["then"] = f"{right} <= {left}"


def take_another_name(found, rng):
    found["claim"] = rng.choice([key for key in STATEMENTS if key != found["claim"]])


def take_another_statement(found, rng):
    other = rng.choice([c for c in CERTIFICATES if c["claim"] != found["claim"]])
    for key in ("words", "let", "if", "then"):
        found[key] = other[key]


def drop_a_hypothesis(found, rng):
    found["if"] = found["if"][1:] if found["if"] else ["positive(one)"]


def forget_a_witness(found, rng):
    found["witnesses"] = found["witnesses"][1:] or [[["1"], ["1"], ["0"], ["2"]]]


def exchange_ends(found, rng):
    for witness in found["witnesses"]:
        witness[:2], witness[2:] = witness[1::-1], witness[:1:-1]
    found["witnesses"] = found["witnesses"] or [[["1"], ["1"], ["0"], ["2"]]]


def divide_by_zero(found, rng):
    name = rng.choice(list(found["instance"]))
    found["instance"][name][0] = found["instance"][name][0].split(" ")[0] + "/0"


def divide_by_much(found, rng):
    name = rng.choice(list(found["instance"]))
    found["instance"][name][0] = "1/" + "9" * rng.choice([200, 5000])


def write_numbers(found, rng):
    name = rng.choice(list(found["instance"]))
    found["instance"][name] = [[1.0, 2.0], [float("nan"), 1e308]]


def write_code(found, rng):
    found["let"] = [["A", "().__class__"], *found["let"]]


def break_the_seal(found, rng):
    found["seal"] = found["seal"][::-1]


def add_a_field(found, rng):
    found["note"] = "trust me"


def lose_a_field(found, rng):
    del found[rng.choice(list(found))]


FORGERIES = [
    change_entry,
    change_witness,
    swap_sides,
    take_another_name,
    take_another_statement,
    drop_a_hypothesis,
    forget_a_witness,
    exchange_ends,
    divide_by_zero,
    divide_by_much,
    write_numbers,
    write_code,
    break_the_seal,
    add_a_field,
    lose_a_field,
]


@pytest.mark.parametrize("forge", FORGERIES)
def test_checker_refuses_every_forgery(forge):
    rng = random.Random(forge.__name__)
    for original in rng.sample(CERTIFICATES, 20):
        found = copy.deepcopy(original)
        forge(found, rng)
        if found != original:  # an entry may have been what it was changed to
            assert refused(found), (forge.__name__, found["claim"])


@pytest.mark.parametrize(
    "forge",
    [
        swap_sides,
        take_another_name,
        take_another_statement,
        drop_a_hypothesis,
        forget_a_witness,
        divide_by_zero,
        divide_by_much,
        write_code,
    ],
)
def test_checker_refuses_forgeries_whose_seal_is_made_anew(forge):
    rng = random.Random(forge.__name__)
    for original in rng.sample(CERTIFICATES, 20):
        found = copy.deepcopy(original)
        forge(found, rng)
        assert refused(sealed(found)), (forge.__name__, found["claim"])


def test_checker_refuses_ends_exchanged_under_a_new_seal():
    asked = [c for c in CERTIFICATES if "kappa" in c["then"]]
    for original in asked:
        found = copy.deepcopy(original)
        exchange_ends(found, None)
        assert refused(sealed(found)), found["claim"]


def flipped(instance, rng):
    """Return an instance with one number of one part changed."""
    parts = list(instance) if isinstance(instance, tuple) else [instance]
    k = rng.randrange(len(parts))
    array = np.array(parts[k], dtype=float)
    array.flat[rng.randrange(array.size)] += rng.choice([-2.0, -1.0, 1.0, 0.5])
    parts[k] = array if array.ndim else float(array)
    return tuple(parts) if isinstance(instance, tuple) else parts[0]


def as_instance(found):
    """Return the instance of a certificate of one matrix."""
    (lines,) = found["instance"].values()
    rows = [[ast.literal_eval(x) for x in line.split(" ")] for line in lines]
    return np.array(rows, dtype=float)


def test_entries_changed_under_a_new_seal_pass_only_if_they_are_counterexamples():
    rng = random.Random(0)
    alone = [
        c
        for c in CERTIFICATES
        if list(c["instance"]) == ["A"] and "/" not in str(c["instance"])
    ]
    passed = 0
    for original in alone * 4:
        A = flipped(as_instance(original), rng)
        found = copy.deepcopy(original)
        found["instance"]["A"] = [" ".join(map(str, map(int, 2 * row))) for row in A]
        if not refused(sealed(found)):
            theorem = CATALOGUE[found["claim"]]
            assert theorem.confirm(2 * A), found["claim"]
            assert theorem.admits is None or theorem.admits(2 * A)
            passed += 1
    assert passed < len(alone)


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


@pytest.mark.parametrize("place", ["", "nowhere/found.json"])
def test_verify_refuses_a_place_where_nothing_can_be_written(tmp_path, capsys, place):
    assert main(["verify", "wc-conv", "--export", str(Path(tmp_path, place))]) == 2
    assert "a file in a folder that exists is needed" in capsys.readouterr().err
