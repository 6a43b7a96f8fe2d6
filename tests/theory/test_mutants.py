"""Claims that hold, changed in one place."""

import numpy as np
import pytest
from hypothesis import find

from condlab.cli import main
from condlab.theory import CATALOGUE, Reference, balls, strategies, theorem
from condlab.theory.mutants import mutants
from condlab.theory.mutation import try_mutants
from condlab.theory.strategies import st

SOURCE = Reference("anonymous", 2000, "Folklore", "")


def claim(instances, formula, latex="", **options):
    return theorem(
        "a-claim", "A claim.", SOURCE, instances, formula, latex=latex, **options
    )


def trials_of(*arguments, **options):
    found = try_mutants(claim(*arguments, **options), sizes=[2], max_examples=12)
    return {trial.mutant.change: trial for trial in found}


def test_a_constant_that_is_attained_cannot_be_lowered():
    trials = trials_of(
        strategies.nonsingular,
        lambda A: (balls.norm(A, 2) ** 2, balls.norm(A, 1) * balls.norm(A, "inf")),
    )
    assert trials["the right-hand side times 99/100"].outcome == "falsified"
    assert "the right-hand side times 1/2" not in trials


def test_a_constant_of_twice_the_size_survives():
    trials = trials_of(
        strategies.nonsingular,
        lambda A: (balls.norm(A, 2), 3 * balls.norm_fro(A)),
    )
    assert trials["the right-hand side times 99/100"].outcome == "holds"
    assert trials["the right-hand side times 1/2"].outcome == "holds"


def test_symmetry_is_needed_where_norms_of_rows_and_columns_are_one():
    trials = trials_of(
        lambda n: strategies.symmetric(n).filter(strategies.has_full_rank),
        lambda A: (balls.norm(A, 1), balls.norm(A, "inf")),
    )
    fallen = trials["A is any square matrix of full rank"]
    assert fallen.outcome == "falsified"
    A = fallen.last.counterexample
    assert np.linalg.norm(A, 1) > np.linalg.norm(A, np.inf)
    assert not np.array_equal(A, A.T)


def test_symmetry_is_not_needed_where_it_is_not_used():
    trials = trials_of(
        lambda n: strategies.symmetric(n).filter(strategies.has_full_rank),
        lambda A: (balls.norm(A, 2), balls.norm_fro(A)),
    )
    assert trials["A is any square matrix of full rank"].outcome == "holds"


def test_signs_are_needed_where_a_sum_is_a_norm():
    def positive(n):
        return strategies.positive_diagonals(n)

    trials = trials_of(positive, lambda d: (abs(d).sum(), d.sum()))
    assert trials["d has entries of any sign"].outcome == "falsified"


def test_a_kind_without_a_value_of_the_formula_makes_no_mutant():
    found = mutants(
        claim(strategies.nonsingular, lambda A: (balls.kappa(A), balls.kappa(A) ** 2))
    )
    assert "A is any matrix of less than full rank" not in {m.change for m in found}


def test_eigenvalues_of_symmetric_matrices_are_asked_of_no_other():
    def inner(A):
        return balls.symmetric_eigenvalues(A)[-1]

    found = mutants(claim(strategies.spd, lambda A: (inner(A), np.trace(A))))
    assert {mutant.kind for mutant in found} == {"constant"}


@pytest.mark.parametrize("key", ["wc-thm5.1-rows", "folklore-determinant"])
def test_false_claims_have_no_mutants(key):
    assert mutants(CATALOGUE[key]) == ()


def test_identities_have_no_constant_to_move():
    found = mutants(CATALOGUE["saad2003-jacobi-similarity"])
    assert all(mutant.kind == "hypothesis" for mutant in found)


def test_exponents_move_only_where_both_sides_have_no_unit():
    with_unit = claim(
        strategies.nonsingular,
        lambda A: (balls.norm(A, 2), balls.norm_fro(A)),
        latex=r"\kappa",
    )
    without = claim(
        strategies.nonsingular,
        lambda A: (balls.kappa(A), balls.kappa(A) * balls.kappa(A)),
        latex=r"\kappa",
    )
    kinds = [{m.kind for m in mutants(each)} for each in (with_unit, without)]
    assert ["exponent" in kind for kind in kinds] == [False, True]


def test_moved_sides_are_those_of_the_claim():
    original = CATALOGUE["jambulapati2023-rows-square"]
    moved = mutants(original)[0]
    instance = (np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([1.0, 4.0]))
    lhs, rhs = original.check(instance).lhs, original.check(instance).rhs
    found = moved.theorem.check(instance)
    assert (found.lhs, found.rhs) == pytest.approx((lhs, 0.99 * rhs), rel=1e-12)


def test_a_mutant_may_draw_other_parts_as_before():
    def pairs(n):
        return st.tuples(strategies.nonsingular(n), strategies.positive_diagonals(n))

    found = mutants(claim(pairs, lambda A, d: (balls.norm(A * d, 1), abs(A).sum())))
    changed = {m.change: m for m in found}["d has entries of any sign"]
    A, d = find(changed.theorem.instances(2), lambda instance: True)
    assert A.shape == (2, 2)
    assert d.shape == (2,)


def test_command_lists_what_is_needed_with_a_counterexample(capsys):
    key = "folklore-row-norm-ratio"
    assert main(["verify", key, "--mutate", "--sizes", "2", "--max-examples", "9"]) == 0
    printed = capsys.readouterr().out
    assert "A is any matrix with more rows than columns" in printed
    assert "needed" in printed
    assert "Counterexample of size" in printed
    assert "ball arithmetic" in printed


def test_command_says_that_a_false_claim_has_no_mutant(capsys):
    assert main(["verify", "wc-thm5.1-rows", "--mutate"]) == 0
    assert capsys.readouterr().out.startswith("No mutant")
