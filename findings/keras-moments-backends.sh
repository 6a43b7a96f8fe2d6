#!/usr/bin/env bash
# Keras computes the moments of batch and group normalisation as E[x^2] - E[x]^2 in its torch
# and NumPy backends, and in two passes in its JAX backend. In float32 with a mean of 1e4
# and a standard deviation of 1, one model gives features of unit standard deviation in one
# backend and nan in the others: the variance comes out as -16, say, more negative than
# epsilon is positive. keras.ops.var and the Normalization layer are right in all of
# them, LayerNormalization in torch too. torch's own batch_norm, on the same tensors,
# is right. One would have guessed that a model's backend decides its speed, not which of
# two formulas it has, and that the torch backend calls torch.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    keras==3.15.1 torch==2.13.0 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
cat > "$folder/one.py" <<'PYTHON'
import json
import sys

import keras
import numpy as np

z = np.random.default_rng(0).standard_normal((1000, 8)).astype(np.float32)
as_numpy = keras.ops.convert_to_numpy
found = {}
for mean in (0, 10_000):
    x = z + np.float32(mean)
    batch = as_numpy(keras.layers.BatchNormalization()(x, training=True)).std(axis=0)
    group = as_numpy(keras.layers.GroupNormalization(2)(x)).std()
    least = as_numpy(keras.ops.moments(x, axes=[0])[1]).min()
    var = as_numpy(keras.ops.var(x, axis=0)).min()
    found[mean] = [float(v) for v in (batch.mean(), group, least, var)]
    print(f"{keras.backend.backend():5} mean {mean:5}: batch normalised {found[mean][0]:.4g}, "
          f"group normalised {found[mean][1]:.4g}, least of the variances by moments "
          f"{found[mean][2]:.4g}, by var {found[mean][3]:.4g}", file=sys.stderr)
print(json.dumps(found))
PYTHON
for backend in jax torch numpy; do
    JAX_PLATFORMS=cpu KERAS_BACKEND=$backend "$folder/venv/bin/python" -W ignore \
        "$folder/one.py" > "$folder/$backend.json"
done
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import json
import math
import pathlib
import sys
from importlib.metadata import version

import numpy as np
import torch

print(*(f"{name} {version(name)}" for name in ("keras", "torch", "jax", "numpy")))
found = {name: json.loads((pathlib.Path(sys.argv[1]) / f"{name}.json").read_text())
         for name in ("jax", "torch", "numpy")}
z = np.random.default_rng(0).standard_normal((1000, 8)).astype(np.float32)
x = torch.tensor(z + np.float32(10_000))
plain = float(torch.nn.functional.batch_norm(x, None, None, training=True).std(0).mean())
print(f"torch.nn.functional.batch_norm at mean 10000: {plain:.4g}")
near = all(abs(f["0"][0] - 1) < 0.01 for f in found.values()) and abs(plain - 1) < 0.01
right = abs(found["jax"]["10000"][0] - 1) < 0.01 and abs(found["jax"]["10000"][1] - 1) < 0.01
wrong = all(math.isnan(found[name]["10000"][i]) for name in ("torch", "numpy") for i in (0, 1))
vars_right = all(abs(f["10000"][3] - f["0"][3]) < 0.01 for f in found.values())
sys.exit(0 if near and right and wrong and vars_right else 1)
PYTHON
