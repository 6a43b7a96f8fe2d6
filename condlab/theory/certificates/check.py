"""Check counterexamples to theorems in rational arithmetic: python check.py FILE.json.

Of the matrices given, "if" must certainly hold and "then" certainly fail. Numbers are
intervals of rationals, exact but for roots. A witness of extreme eigenvalues of S has
two vectors, with Rayleigh quotients in between, and two shifts, with S - below I and
above I - S positive definite by their pivots. A statement is evaluated, as Python, only
if its digest is in the file's catalogue, and that has the digest CATALOGUE.
"""

import hashlib
import json
import sys
from fractions import Fraction
from functools import partial, partialmethod, reduce
from math import isqrt
from operator import add, mul, sub, truediv
from pathlib import Path
from typing import Any

CATALOGUE = "c2bf0a393e55763e2834d3a0f51404c0"


def require(condition: object, what: str) -> None:
    if not condition:
        raise ValueError(what)


def digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def combine(op: Any, a: Any, b: Any) -> Any:  # monotone in each, so the ends tell all
    require(op is not truediv or b[0] * b[1] > 0, "a divisor may be zero")
    found = [op(x, y) for x in a for y in b]
    return min(found), max(found)


def root(a: Any) -> Any:  # of what is at least zero, to 128 bits
    low, high = (max(x, 0 * x).numerator * x.denominator << 256 for x in a)
    ends = isqrt(low), isqrt(high) + (isqrt(high) ** 2 < high)
    return tuple(Fraction(e, x.denominator << 128) for e, x in zip(ends, a))


class Matrix:  # of intervals; <= tells (certainly true, certainly false)
    def __init__(self, rows: Any) -> None:
        self.rows = [
            [x if type(x) is tuple else (Fraction(x),) * 2 for x in r] for r in rows
        ]
        self.entries = [x for row in self.rows for x in row]
        self.shape = len(self.rows), len(self.rows[0])

    def each(self, op: Any, other: Any) -> Any:  # a number goes with every entry
        A, B = self, other if isinstance(other, Matrix) else Matrix([[other]])
        m, n = max(A.shape, B.shape)
        A, B = (M if M.shape != (1, 1) else Matrix([M.entries * n] * m) for M in (A, B))
        require(A.shape == B.shape, "shapes do not match")
        return Matrix(map(partial(combine, op), *rows) for rows in zip(A.rows, B.rows))

    __add__ = __radd__ = partialmethod(each, add)
    __mul__ = __rmul__ = partialmethod(each, mul)
    __sub__, __truediv__ = partialmethod(each, sub), partialmethod(each, truediv)
    T = property(lambda self: Matrix(zip(*self.rows)))

    def __matmul__(self, B: Any) -> Any:
        require(self.shape[1] == B.shape[0], "shapes do not match")
        plus, times, B = partial(combine, add), partial(combine, mul), B.T.rows
        return Matrix([reduce(plus, map(times, r, c)) for c in B] for r in self.rows)

    def __le__(self, B: Any) -> Any:
        gaps = (self - B).entries
        return all(x[1] <= 0 for x in gaps), any(x[0] > 0 for x in gaps)


def diag(v: Any) -> Any:
    rows = list(enumerate(v.entries))
    return Matrix([x if i == j else 0 for j, _ in rows] for i, x in rows)


def read(lines: Any) -> Any:
    rows = [line.split(" ") for line in lines]
    short = all(len(x) < 200 and set(x) <= set("-/0123456789") for r in rows for x in r)
    require(short and len({len(row) for row in rows}) == 1, "no rational matrix")
    return Matrix(rows)


def spectrum(witness: Any, own: bool, of: Any, A: Any) -> Any:  # own, or of A'A or AA'
    A = A if own else A.T @ A if A.shape[0] >= A.shape[1] else A @ A.T
    S = (A + A.T) / 2
    low, high, below, above = map(read, witness(S))
    one = diag(Matrix([[1] * S.shape[0]]))
    for shifted in (S - one * below, one * above - S):
        for k, pivot in enumerate(shifted.rows):
            require(pivot[k][0] > 0, "a shifted matrix may not be positive definite")
            for row in shifted.rows[k + 1 :]:
                step = Matrix([pivot]) * Matrix([[combine(truediv, row[k], pivot[k])]])
                row[:] = (Matrix([row]) - step).entries
    low, high = ((v.T @ S @ v / (v.T @ v)).entries[0] for v in (low, high))
    return Matrix([[of((below.entries[0][0], low[1]), (high[0], above.entries[0][1]))]])


def check(certificate: Any, catalogue: Any, witness: Any = None) -> None:
    stated = {key: certificate[key] for key in ("claim", "words", "let", "if", "then")}
    given = {key: certificate[key] for key in ("instance", "witnesses")}
    require(catalogue[stated["claim"]] == digest(stated), "not a catalogue's statement")
    seal = {"seal": digest([stated, given])}
    require(certificate == {**stated, **given, **seal}, "the certificate was altered")
    witnesses = iter(given["witnesses"])
    names = {name: read(rows) for name, rows in given["instance"].items()}
    ends = partial(spectrum, witness or (lambda _: next(witnesses)))
    own, squared = partial(ends, True), partial(ends, False)
    names |= {
        "__builtins__": {},
        "one": Matrix([[1]]),
        "sqrt": lambda A: Matrix(map(root, row) for row in A.rows),
        "abs": lambda A: Matrix(map(root, row) for row in (A * A).rows),
        "max": lambda A: Matrix([[tuple(map(max, zip(*A.entries)))]]),
        "sum": lambda A: Matrix([[1] * A.shape[0]]) @ A @ Matrix([[1]] * A.shape[1]),
        "rows": lambda A: Matrix([[len(A.rows)]]),
        "eye": lambda A: diag(Matrix([[1] * len(A.rows)])),
        "diag": diag,
        "diagonal": lambda A: Matrix([row[i]] for i, row in enumerate(A.rows)),
        "positive": lambda A: (all(x > 0 for x, _ in A.entries), False),
        "lmin": partial(own, lambda low, _: low),
        "lmax": partial(own, lambda _, high: high),
        "smin": partial(squared, lambda low, _: root(low)),
        "smax": partial(squared, lambda _, high: root(high)),
        "kappa": partial(squared, lambda low, high: root(combine(truediv, high, low))),
    }
    for name, text in stated["let"]:
        names[name] = eval(text, names)
    require(all(eval(text, names)[0] for text in stated["if"]), "a hypothesis may fail")
    require(eval(stated["then"], names)[1], "the conclusion may hold")
    require(not list(witnesses), "there are witnesses left over")


if __name__ == "__main__":
    try:
        file = json.loads(text := Path(sys.argv[1]).read_text("utf-8"))
        texts = ["".join(each.split()) for each in (text, json.dumps(file))]
        require(texts[0] == texts[1], "a name occurs twice")
        require(digest(file["catalogue"]) == CATALOGUE, "the catalogue is another one")
        claims = [claim["claim"] for claim in file["counterexamples"]]
        require(len(claims) == len(set(claims)) > 0, "no claim, or one twice")
        for claim in file["counterexamples"]:
            check(claim, file["catalogue"])
            print(f"false: {claim['claim']}: {claim['words']}")
    except Exception as error:
        sys.exit(f"refused: {error!r}")
