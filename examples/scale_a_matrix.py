"""Scale a matrix of one's own, and see what each scaling does to its condition."""

import numpy as np

import condlab

# A least-squares problem in five units: each column in another one.
rng = np.random.default_rng(0)
A = rng.standard_normal((40, 5)) * np.array([1e3, 1.0, 1e-2, 50.0, 1e-4])

rows = condlab.compare_scalings(A)
print(rows)

best = condlab.column_scaling(A)
b = A @ np.ones(5)
y = np.linalg.lstsq(best.apply(A), b, rcond=None)[0]
print("\nsolution in the original units:", best.right * y)
