#!/usr/bin/env bash
# Haiku's SpectralNorm divides a kernel by its largest singular value, found by power
# iterations on vectors that are normalised with an eps of 1e-4 beside the square of their
# norm. That square has the units of the kernel's. Of a 20 by 10 kernel of spectral norm
# 0.064 the result has 1.025 instead of 1, and of one of 0.0064, as a last layer may start
# with, it is nan: the vectors shrink at each step until the divisor is 0. Flax's and
# torch's return 1 for both, as Haiku's does for larger kernels. One would have guessed
# that what takes away the scale of a kernel does not depend on it, and that an eps keeps
# off nan.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    dm-haiku==0.0.17 flax==0.12.8 jax==0.10.2 jaxlib==0.10.2 torch==2.13.0 numpy==2.4.6
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math
import sys
from importlib.metadata import version

import flax.linen
import haiku
import jax
import jax.numpy as jnp
import numpy as np
import torch

print(*(f"{name} {version(name)}" for name in ("dm-haiku", "flax", "jax", "torch")))
kernel = np.random.default_rng(0).standard_normal((20, 10)).astype(np.float32)
calls, steps = 5, 20


def by_haiku(w):
    run = haiku.without_apply_rng(
        haiku.transform_with_state(lambda a: haiku.SpectralNorm(n_steps=steps)(a)))
    parameters, state = run.init(jax.random.key(0), w)
    for _ in range(calls):
        out, state = run.apply(parameters, state, w)
    return np.asarray(out)


class Flax(flax.linen.Module):
    @flax.linen.compact
    def __call__(self, x):
        dense = flax.linen.Dense(10, use_bias=False)
        return flax.linen.SpectralNorm(dense, n_steps=steps)(x, update_stats=True)


def by_flax(w):
    variables = Flax().init(jax.random.key(0), jnp.eye(20))
    variables["params"]["Dense_0"]["kernel"] = w
    for _ in range(calls):
        out, update = Flax().apply(variables, jnp.eye(20), mutable=["batch_stats"])
        variables = {**variables, **update}
    return np.asarray(out)


def by_torch(w):
    layer = torch.nn.Linear(20, 10, bias=False)
    layer.weight.data = torch.tensor(np.asarray(w).T)
    torch.nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=steps)
    for _ in range(calls):
        layer(torch.ones(20))
    return layer.eval().weight.detach().numpy()


found = {}
for unit in (1.0, 1e-2, 1e-3):
    w = jnp.asarray(kernel * np.float32(unit))
    outs = {"haiku": by_haiku(w), "flax": by_flax(w), "torch": by_torch(w)}
    found[unit] = {name: float(np.linalg.norm(out, 2)) if np.isfinite(out).all() else math.nan
                   for name, out in outs.items()}
    print(f"spectral norm {np.linalg.norm(w, 2):.3g} becomes",
          ", ".join(f"{norm:.5f} by {name}" for name, norm in found[unit].items()))
right = all(abs(norm - 1) < 1e-3 for unit, norms in found.items()
            for name, norm in norms.items() if name != "haiku" or unit == 1)
wrong = found[1e-2]["haiku"] > 1.01 and math.isnan(found[1e-3]["haiku"])
sys.exit(0 if right and wrong else 1)
PYTHON
