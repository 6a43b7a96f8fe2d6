"""Compare condition numbers with NumPy's and SciPy's, and see what is certain."""

import numpy as np
from scipy.sparse.linalg import lsmr

import condlab

print("kappa_2 of singular and of graded matrices: NumPy, and what is certain")
matrices = {"ones": np.ones((3, 3)), "graded": condlab.gallery.graded(12)}
matrices["tiny units"] = matrices["graded"] * 1e-200
for name, A in matrices.items():
    kappa = condlab.cond_2(A)
    print(f"  {name}: {np.linalg.cond(A):.6g}; {kappa}")

S = condlab.gallery.laplacian_2d(20)
found = condlab.estimate_cond_2(S, num_matvecs=60)
said = lsmr(S, np.ones(S.shape[0]))[6]  # of the space that it has seen
print(f"Laplacian: lsmr's estimate is {said:.4g}; {found}")
