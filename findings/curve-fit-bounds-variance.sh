#!/usr/bin/env bash
# SciPy's curve_fit fits a leaky capacitor, I = V / R + C dV/dt, in nanoamperes, ohms and
# farads, from twice the true R and C. Without bounds R = 1 GOhm, and its standard error is
# 0.7 %, as by formula. With bounds that are nowhere active, and x_scale="jac", R, C and the
# error of C are the same, and the error of R is 1e-37 ohms, without a warning: the
# covariance is a pseudo-inverse which drops singular values of the Jacobian below eps
# times the largest, and columns in ohms and in farads are 1e21 apart. So the parameter that
# the data tell least about is the one said to be exact. By default, x_scale=1, steps
# drop it too: R is 12 % off, or with 'dogbox' stays where it started, still +- 1e-37. The
# Jacobian has full rank, and condition number 1.1 once its columns are scaled. One would
# have guessed that bounds which do not bind change no error bar, and that a
# variance which cannot be had is inf, as 'lm' says it.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" -W error - <<'PYTHON'
import sys

import numpy as np
import scipy
from scipy.optimize import curve_fit

print("numpy", np.__version__, "scipy", scipy.__version__)
rng = np.random.default_rng(0)
ramps = np.array([-2e3, 0.0, 2e3]).repeat(20)  # volts a second
volts = rng.uniform(-1, 1, 60)


def nanoamperes(volts, ohms, farads):
    return 1e9 * (volts / ohms + farads * ramps)


current = nanoamperes(volts, 1e9, 1e-12) + 0.03 * rng.standard_normal(60)
bounds = (0, (np.inf, np.inf))
found, errors = {}, {}
for name, options in {
    "no bounds": {},
    "x_scale jac": {"bounds": bounds, "x_scale": "jac"},
    "trf": {"bounds": bounds},
    "dogbox": {"bounds": bounds, "method": "dogbox"},
}.items():
    found[name], cov = curve_fit(nanoamperes, volts, current, (2e9, 2e-12), **options)
    errors[name] = np.sqrt(np.diag(cov))
    print(f"{name:11}: R = {found[name][0]:.4g} +- {errors[name][0]:.2g} ohms, "
          f"C = {found[name][1]:.4g} +- {errors[name][1]:.2g} farads")
best = found["no bounds"]
J = 1e9 * np.column_stack([-volts / best[0] ** 2, ramps])  # the model's derivatives
rest = current - nanoamperes(volts, *best)
unit = np.linalg.norm(J, axis=0)
exact = np.sqrt(np.diag(np.linalg.inv((J / unit).T @ (J / unit))) * (rest @ rest) / 58) / unit
print(f"by formula : {exact[0]:.2g} ohms, {exact[1]:.2g} farads; the Jacobian with scaled "
      f"columns has condition number {np.linalg.cond(J / unit):.2g}")
right = np.allclose(errors["no bounds"], exact, rtol=0.01)
same = np.allclose(found["x_scale jac"], best, rtol=1e-3)
same = same and np.isclose(errors["x_scale jac"][1], exact[1], rtol=0.01)
lost = all(errors[name][0] < 1e-20 for name in errors if name != "no bounds")
stuck = abs(found["trf"][0] / 1e9 - 1) > 0.05 and abs(found["dogbox"][0] / 2e9 - 1) < 1e-3
sys.exit(0 if right and same and lost and stuck else 1)
PYTHON
