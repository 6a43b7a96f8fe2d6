#!/usr/bin/env bash
# CVXPY takes quad_form(x, P) for convex when no eigenvalue of P is below -1e-10, in any
# units. In units in which P = diag(1, -1/2) is 2^-34 times as large, the indefinite form
# passes, and the problem is solved: CLARABEL and OSQP call two different points "optimal",
# of values 0.5 and 0 in the old units, where the least is -4.5. The other way a positive
# semi-definite M'M of small integers, exact in floating point, is convex in 39 of 40 cases
# as it stands and in none when multiplied by 2^20, which rounds nothing: three are refused,
# and 37 raise a ValueError about infs or NaNs that no input has, from a factorisation of
# P + 1e-10 I, in which the shift is below the rounding of P. One would have guessed that
# whether a form is convex is asked relative to its size, as it does not depend on it.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    cvxpy==1.9.3 clarabel==0.11.1 osqp==1.1.3 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON' 2>&1 | grep -v DLASCL
import sys

import cvxpy as cp
import numpy as np

print("cvxpy", cp.__version__)
P, accepted, values = np.diag([1, -0.5]), {}, {}
for power in (0, 20, 30, 34, 40):
    form = cp.quad_form(cp.Variable(2), P * 2.0**-power)
    accepted[power] = bool(form.is_convex())
    print(f"diag(1, -1/2) 2^-{power}: convex is {accepted[power]}")
for solver in ("CLARABEL", "OSQP"):
    x = cp.Variable(2)
    form = cp.quad_form(x, P * 2.0**-34)
    problem = cp.Problem(cp.Minimize(form), [x >= -3, x <= 1])
    problem.solve(solver=solver)
    values[solver] = float(x.value @ P @ x.value)
    print(f"{solver}: {problem.status} at {x.value.round(3)}, value {values[solver]:.3g} "
          "of the form in the old units; the least is -4.5, at (0, -3)")


def verdict(S):
    try:
        return "convex" if cp.quad_form(cp.Variable(len(S)), S).is_convex() else "refused"
    except (RuntimeError, ValueError) as error:
        return type(error).__name__


rng, counts = np.random.default_rng(0), {}
cases = [rng.integers(-3, 4, (2, 5)).astype(float) for _ in range(40)]
for power in (0, 10, 20, 30):
    found = [verdict(M.T @ M * 2.0**power) for M in cases]
    counts[power] = {name: found.count(name) for name in sorted(set(found))}
    print(f"M'M 2^{power} of 40 integer M, 2 x 5: {counts[power]}")
units = not accepted[0] and not accepted[20] and accepted[34] and accepted[40]
above = min(values.values()) > -4
most = counts[0].get("convex", 0) > 20 and counts[20].get("convex", 0) == 0
sys.exit(0 if units and above and most else 1)
PYTHON
