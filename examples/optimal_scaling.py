"""Find the best diagonal scaling there is, with a certificate that none is better."""

import condlab

A = condlab.collection.COLLECTION["wine"].load()
print(f"wine, {A.shape[0]} x {A.shape[1]}: kappa {condlab.cond_2(A).value:.0f}")
for side in ("left", "right"):
    found = condlab.optimal_scaling(A, side=side)
    kappa = condlab.cond_2(found.scaling.apply(A))
    print(
        f"{side:>6}: kappa {kappa.value:.2f}, and none below {found.optimum.lower:.2f}"
    )

S = condlab.gallery.hilbert(6)  # positive definite: both sides alike
found = condlab.optimal_scaling(S, side="symmetric")
print(f"Hilbert: {condlab.cond_2(S).value:.3g} -> {found.optimum:.4g}")
