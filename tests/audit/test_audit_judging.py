"""Four verdicts, and the suite finds what is broken on purpose."""

import math
import warnings

import numpy as np
import pytest

import condlab
from condlab.audit import (
    SUBJECTS,
    Answer,
    Problem,
    Promise,
    audit,
    problems,
    run,
)
from condlab.audit.guesses import GUESSES
from condlab.audit.model import units

A = np.array([[2.0, 1.0], [1.0, 2.0]])
THREE = Problem("cond_2", "three", lambda: A.copy(), lambda: 3.0, "by hand", "a test")


def verdict(function, problem=THREE, promise=None):
    return run(function, [problem], promise=promise)[0].verdict


def warns(category):
    def ask(_):
        warnings.warn("something is off", category, stacklevel=1)
        return 5.0

    return ask


def raises(_):
    raise np.linalg.LinAlgError("no")


def test_an_answer_to_rounding_is_right_and_one_beyond_silently_wrong():
    assert verdict(lambda _: 3 + 1e-15) == "right"
    assert verdict(lambda _: 3 + 1e-9) == "silently wrong"
    assert verdict(lambda _: -3.0) == "silently wrong"


@pytest.mark.parametrize(
    "function",
    [
        warns(RuntimeWarning),
        warns(UserWarning),
        lambda _: math.nan,
        lambda _: Answer(5.0, "not converged"),
    ],
)
def test_what_is_off_with_a_word_is_flagged(function):
    assert verdict(function) == "flagged"


@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning])
def test_warnings_about_code_flag_no_number(category):
    assert verdict(warns(category)) == "silently wrong"


@pytest.mark.parametrize("function", [raises, lambda _: "three", lambda _: [3.0, 3.0]])
def test_no_answer_is_a_refusal(function):
    found = run(function, [THREE])[0]
    assert found.verdict == "refuses"
    assert found.note.startswith(("LinAlgError: no", "TypeError: cond_2 asks for one"))


def test_a_right_value_in_an_interval_that_misses_the_truth_is_wrong():
    assert verdict(lambda _: Answer(3.0, lower=2.0, upper=4.0)) == "right"
    assert verdict(lambda _: Answer(3.0, lower=3.5)) == "silently wrong"


def test_promises_of_factors_hold_on_their_side_only():
    half = Promise(below=2.5)
    assert verdict(lambda _: 1.5, promise=half) == "right"
    assert verdict(lambda _: 6.0, promise=half) == "silently wrong"
    assert verdict(lambda _: 1.0, promise=half) == "silently wrong"


def test_what_rounding_cannot_tell_from_singular_may_have_any_large_answer():
    singular = Problem(
        "cond_2", "ones", lambda: np.ones((2, 2)), lambda: math.inf, "rank one", ""
    )
    assert verdict(lambda _: math.inf, singular) == "right"
    assert verdict(lambda _: 3e16, singular) == "right"
    assert verdict(lambda _: 1e9, singular) == "silently wrong"


def test_means_are_held_to_six_of_their_standard_errors():
    problem = Problem(
        "trace", "", lambda: A, lambda: 4.0, "", "", scale=4.0, deviation=1.0
    )
    assert verdict(lambda _: Answer(4.5, probes=100), problem) == "right"
    assert verdict(lambda _: Answer(4.7, probes=100), problem) == "silently wrong"
    assert verdict(lambda _: Answer(4.5), problem) == "silently wrong"


def test_factors_are_those_of_the_larger_over_the_smaller():
    factors = [run(lambda _, x=x: x, [THREE])[0].factor for x in (1.5, 6.0, -3.0, 3.0)]
    assert factors == [2.0, 2.0, math.inf, 1.0]


def test_accepts_says_what_is_asked_for():
    assert THREE.accepts(condlab.cond_2(A))
    with pytest.raises(TypeError, match=r"one number, got an array of shape \(2, 2\)"):
        THREE.accepts(A)


def test_what_is_no_function_is_refused_with_what_came():
    with pytest.raises(TypeError, match=r"function .* is needed, got 3\.0; give"):
        run(3.0, [THREE])


def test_an_estimator_that_returns_half_is_found():
    whole, promise = (
        condlab.estimate_cond_2,
        SUBJECTS["condlab.estimate_cond_2"].promise,
    )
    told = [p for p in problems("cond_2") if 100 * units(p) * p.truth < 1]
    right = run(whole, told, promise=promise)
    found = run(lambda M: whole(M).value / 2, told, promise=promise)
    floats = [j for j in found if j.verdict != "refuses"]  # it asks for floats
    assert {j.verdict for j in right} <= {"right", "refuses"}
    assert {j.verdict for j in floats} == {"silently wrong"}
    assert len(floats) >= 12


def fraction_below_zero(M, reorthogonalise):
    """Count the negative Ritz values of n Lanczos steps from a normal vector."""
    n = len(M)
    v = np.random.default_rng(0).standard_normal(n)
    basis, alphas, betas = [v / np.linalg.norm(v)], [], []
    for _ in range(n):
        w = M @ basis[-1]
        alphas.append(w @ basis[-1])
        w -= alphas[-1] * basis[-1]
        if betas:
            w -= betas[-1] * basis[-2]
        for u in basis * 2 if reorthogonalise else ():
            w -= (u @ w) * u
        betas.append(np.linalg.norm(w))
        basis.append(w / betas[-1])
    T = np.diag(alphas) + np.diag(betas[:-1], 1) + np.diag(betas[:-1], -1)
    return (np.linalg.eigvalsh(T) < 0).mean()


def test_a_lanczos_without_reorthogonalisation_is_found():
    """Of problems with distinct eigenvalues, all of which n steps find."""
    names = ("half, spread", "below a ladder")
    asked = [p for p in problems("density") if p.name in names]
    whole = run(lambda M: fraction_below_zero(M, True), asked)
    broken = run(lambda M: fraction_below_zero(M, False), asked)
    assert [j.verdict for j in whole] == ["right", "right"]
    assert "silently wrong" in {j.verdict for j in broken}


def test_a_hessian_that_drops_a_block_is_found():
    pytest.importorskip("torch")
    ask = SUBJECTS["condlab.curvature.HessianOperator"].answers["hessian_layer"]

    def without_a_block(loss):
        H = ask(loss)
        first = next(loss.module.parameters()).numel()
        H[:first, first:] = H[first:, :first] = 0
        return H

    asked = problems("hessian_layer")
    several = [p for p in asked if len(list(p.input().module.parameters())) > 1]
    found = run(without_a_block, several)
    coupled = [p.name for p in several if np.abs(blocks_between(p)).max() > 0]
    wrong = [j.problem for j in found if j.verdict == "silently wrong"]
    assert wrong == coupled
    assert len(wrong) >= 4


def blocks_between(problem):
    first = next(problem.input().module.parameters()).numel()
    return problem.truth[:first, first:]


def test_guesses_are_there_for_each_subject_and_kind_and_no_other():
    kinds = {name: set(subject.answers) for name, subject in SUBJECTS.items()}
    assert {name: set(guess) for name, guess in GUESSES.items()} == kinds


OWN = [name for name in SUBJECTS if name.startswith("condlab.")]


@pytest.mark.parametrize("name", OWN)
def test_condlab_is_never_silently_wrong(name):
    pytest.importorskip(SUBJECTS[name].module)
    found = audit([name])
    assert [j for j in found.judgements if j.verdict == "silently wrong"] == []


def test_two_audits_are_equal():
    names = ["numpy.linalg.cond", "scipy.sparse.linalg.svds, propack"]
    first, second = (audit(names) for _ in range(2))
    assert repr(first) == repr(second)
