"""What a library raises is its refusal; what an adapter raises is condlab's fault."""

import math
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from condlab.audit import SUBJECTS, AdapterError, Answer, Promise, Subject, problems
from condlab.audit.asking import RefusalError, asked
from condlab.audit.judging import run, try_subject
from condlab.audit.model import Problem
from condlab.cli import main

A = np.array([[2.0, 1.0], [1.0, 2.0]])
THREE = Problem("cond_2", "three", lambda: A.copy(), lambda: 3.0, "by hand", "a test")


def subject(adapter, kind="cond_2"):
    return Subject("a.library", "a-library", "a", {kind: adapter}, Promise(), "another")


def tried(adapter):
    (found,) = try_subject(subject(adapter), "cond_2", [THREE])
    return found


def library(M, *, order=2):
    return np.linalg.cond(M, order)


def refusing(error):
    def function(M):
        raise error

    return function


def condlabs_own(body):
    """Return a function of the code ``M -> body`` in a module of the audit's."""
    return eval(f"lambda M: {body}", {"__name__": "condlab.audit.subjects.fake"})


WORDS = (AttributeError, ImportError, IndexError, KeyError, NameError, TypeError)


@pytest.mark.parametrize(
    "error",
    [kind("no") for kind in (*WORDS, ArithmeticError, AssertionError, RuntimeError)],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_library_raises_is_its_refusal(error):
    found = tried(lambda M: asked(refusing(error), M))
    assert found.verdict == "refuses"
    assert found.note == f"{type(error).__name__}: {error}"


@pytest.mark.parametrize(
    "adapter",
    [
        lambda M: asked(math.sqrt, -1.0),
        lambda M: asked(int, "three"),
        lambda M: asked(np.linalg.inv, np.zeros((2, 2))),
        lambda M: asked(np.frombuffer, b"123"),
    ],
)
def test_a_compiled_function_refuses_though_it_leaves_no_frame(adapter):
    assert tried(adapter).verdict == "refuses"


def test_an_adapter_may_say_that_what_came_is_no_answer():
    def adapter(M):
        raise RefusalError("nothing is returned")

    assert (tried(adapter).verdict, tried(adapter).note) == (
        "refuses",
        "nothing is returned",
    )


@pytest.mark.parametrize(
    ("adapter", "fault"),
    [
        (lambda M: asked(library, eval("N")), "NameError: name 'N'"),
        (lambda M: asked(np.linalg.condition, M), "AttributeError: module 'numpy"),
        (lambda M: asked(library, M, p=2), "TypeError: got an unexpected keyword"),
        (lambda M: asked(library), "TypeError: missing a required argument: 'M'"),
        (lambda M: asked(math.sqrt, M, M), "TypeError: "),
        (lambda M: asked(library, M)[0], "IndexError: "),
        (lambda M: asked(dict, value=1)["values"], "KeyError: 'values'"),
        (lambda M: __import__("no_such_library"), "ModuleNotFoundError: "),
        (lambda M: dict([asked(str, "abc")]), "ValueError: dictionary update"),
        (lambda M: float("three"), "ValueError: could not convert"),
        (lambda M: 1 / 0, "ZeroDivisionError: "),
        (lambda M: asked(str, M), "TypeError: cond_2 asks for one number"),
        (lambda M: asked(np.linalg.inv, M), "TypeError: cond_2 asks for one number"),
        (lambda M: Answer(None), "TypeError: cond_2 asks for one number"),
    ],
)
def test_a_broken_adapter_is_no_verdict_on_its_library(adapter, fault):
    with pytest.raises(AdapterError) as told:
        tried(adapter)
    said = str(told.value)
    assert said.startswith("condlab's adapter of a.library fails on cond_2 of three")
    assert fault in said
    assert "no verdict on a-library" in said


@pytest.mark.parametrize("body", ["M.no_such", "no_such", "M[3, 3]", "len(3)"])
def test_wrong_code_of_the_audit_that_a_library_calls_back_is_an_adapters(body):
    wrong = condlabs_own(body)
    with pytest.raises(AdapterError):
        tried(lambda M: asked(np.apply_over_axes, lambda x, _: wrong(x), M, [0]))


def test_wrong_code_is_seen_though_the_library_raises_something_else_for_it():
    wrong = condlabs_own("no_such")

    def wrapping(M):
        try:
            return wrong(M)
        except NameError as error:
            raise RuntimeError("the function cannot be differentiated") from error

    with pytest.raises(AdapterError, match="cannot be differentiated"):
        tried(lambda M: asked(wrapping, M))


def test_arithmetic_that_fails_in_what_a_library_calls_back_is_its_refusal():
    inverse = condlabs_own("1 / int(M[0, 0] - 2)")
    found = tried(lambda M: asked(np.apply_over_axes, lambda x, _: inverse(x), M, [0]))
    assert found.note == "ZeroDivisionError: division by zero"


def test_an_error_that_is_its_own_cause_is_a_refusal_as_others_are():
    def function(M):
        error = ValueError("no")
        raise error from error

    assert tried(lambda M: asked(function, M)).note == "ValueError: no"


def test_a_formula_that_a_library_has_no_function_for_is_an_adapters_fault(
    monkeypatch,
):
    pytest.importorskip("torch")
    from condlab.audit.subjects import _ops

    monkeypatch.setattr(_ops, "torch_ops", SimpleNamespace)
    norm = [p for p in problems("hessian") if p.name == "norm"]
    for name in ("torch.func.hessian", "condlab.curvature.HessianOperator"):
        with pytest.raises(AdapterError, match="has no attribute 'norm'"):
            try_subject(SUBJECTS[name], "hessian", norm)


def test_ones_own_function_refuses_whatever_it_raises():
    (found,) = run(lambda M: M.no_such, [THREE])
    assert found.verdict == "refuses"


def test_a_problem_that_cannot_be_made_is_nobodys_verdict():
    broken = Problem("cond_2", "broken", lambda: {}["x"], lambda: 1.0, "", "")
    with pytest.raises(KeyError):
        run(np.linalg.cond, [broken])


def test_the_fault_of_an_adapter_comes_out_of_another_process():
    fault = AdapterError("what is wrong")
    assert str(pickle.loads(pickle.dumps(fault))) == "what is wrong"


def test_the_command_says_in_one_line_that_an_adapter_is_broken(monkeypatch, capsys):
    broken = subject(lambda M: asked(library, M, p=2))
    monkeypatch.setattr("condlab.audit.trial.SUBJECTS", {"a.library": broken})
    monkeypatch.setattr("condlab.audit.trial.is_there", lambda subject: True)
    assert main(["audit", "a.library"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("condlab: condlab's adapter of a.library fails on cond_2 of ")
    assert err.count("\n") == 1
