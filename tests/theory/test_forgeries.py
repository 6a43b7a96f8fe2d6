"""Certificates that were tampered with, with and without a new seal."""

import ast
import copy
import json
import random

import numpy as np
import pytest

from condlab.theory import CATALOGUE
from condlab.theory.certificates import CHECKER, STATEMENTS, check

FILE = json.loads(CHECKER.with_name("counterexamples.json").read_text("utf-8"))
CERTIFICATES = FILE["counterexamples"]


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
