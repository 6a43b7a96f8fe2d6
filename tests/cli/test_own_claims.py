"""`condlab verify FILE.py`: claims of one's own on trial."""

import json

import pytest

pytest.importorskip("hypothesis")
pytest.importorskip("flint")
from condlab.cli import main

CLAIMS = """
from hypothesis import strategies as st
from condlab.theory import Margin, Theorem

def scalars(size):
    return st.floats(0.0, 2.0)

def squares(x):
    return Margin(x, x * x, rounding=1e-15)

FALSE = Theorem("squares", "x is at most its square", "folklore", scalars, squares)
ALSO = FALSE
MORE = [Theorem("roots_of", "x^2/4 is at most x", "folklore", scalars,
                lambda x: Margin(x * x / 4, x, rounding=1e-15))]
"""

DECORATED = """
from condlab.theory import balls, claim, strategies

@claim("traces", "folklore", strategies.spd)
def trace(A):
    'The trace of a positive definite matrix is at least its largest eigenvalue.'
    return balls.symmetric_eigenvalues(A)[-1], A.diagonal().sum()
"""


@pytest.fixture
def verify(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(text, *options, name="my_claims.py"):
        (tmp_path / "my_claims.py").write_text(text)
        status = main(["verify", name, *options, "--sizes", "1"])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_every_theorem_of_a_file_is_tried_once(verify):
    status, out, _ = verify(CLAIMS, "--json")
    assert status == 0
    found = {v["theorem"]: v for v in json.loads(out)["verdicts"]}
    assert {key: v["outcome"] for key, v in found.items()} == {
        "squares": "falsified",
        "roots_of": "holds",
    }
    assert 0 < found["squares"]["counterexample"] < 1


def test_a_decorated_formula_is_tried_and_its_docstring_printed(verify):
    status, out, _ = verify(DECORATED, "--max-examples", "5")
    assert status == 0
    assert "at least its largest eigenvalue." in out
    assert "holds" in out


def test_own_claims_stand_beside_the_catalogues(verify):
    _, out, _ = verify(CLAIMS, "ws_chain", "--max-examples", "5")
    table = out.split("\n\n")[0]
    rows = [line.split()[0] for line in table.splitlines()]
    assert rows[-3:] == ["squares", "roots_of", "ws-chain"]
    assert "Counterexample of size 1" in out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "my_claims.py has no condlab.theory.Theorem at its top level"),
        ("1 / 0", "running my_claims.py fails: ZeroDivisionError: division by zero"),
        ("def", "running my_claims.py fails: SyntaxError"),
        (CLAIMS + "TWO = Theorem('squares', '', '', scalars, squares)",
         "keys must be different, and 'squares' names two theorems"),
        (DECORATED + DECORATED.replace("traces", "others"),
         "my_claims.py has two of the name trace"),
        (DECORATED.replace("'The", "f'The"), "the formula of 'traces' has none"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_tried_is_told_in_a_sentence(verify, text, said):
    status, _, err = verify(text)
    assert status == 2
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_missing_file_is_named(verify):
    status, _, err = verify(CLAIMS, name="other.py")
    assert (status, "there is no file other.py" in err) == (2, True)
