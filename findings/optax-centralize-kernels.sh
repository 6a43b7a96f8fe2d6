#!/usr/bin/env bash
# optax.centralize is for gradient centralisation, which takes from the gradient of each
# unit's weights their mean, over its inputs. It takes the mean over all axes but the
# first, which is right for weights of shape (outputs, inputs); those of Flax, of Haiku and
# of Keras are (inputs, outputs), and there it takes from each input's weights their mean
# over the units. So a dense layer with one output has an update of exactly 0, and never
# learns; in the last layer before a softmax, whose gradients add up to 0 over the classes,
# it does nothing; and elsewhere no unit's mean is removed. In the same library
# adaptive_grad_clip takes a unit for a column. One would have guessed that two
# transformations of one library agree on what a unit is, and with the layers made for it.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    optax==0.2.8 flax==0.12.8 jax==0.10.2 numpy==2.4.6 2>/dev/null
JAX_PLATFORMS=cpu "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

print("optax", optax.__version__, "flax", flax.__version__, "jax", jax.__version__)
rng = np.random.default_rng(0)
x = jnp.asarray(rng.standard_normal((32, 6)) + 3, jnp.float32)
labels = jnp.asarray(rng.integers(0, 3, 32))


def squares(model):
    return (model(x) ** 2).mean()


def cross_entropy(model):
    return optax.softmax_cross_entropy_with_integer_labels(model(x), labels).mean()


def centralised(outputs, loss):
    layer = nnx.Linear(6, outputs, rngs=nnx.Rngs(0))
    gradient = nnx.grad(loss)(layer)["kernel"][...]
    rule = optax.centralize()
    update, _ = rule.update(gradient, rule.init(gradient))
    return np.asarray(gradient), np.asarray(update)


def size(a):
    return float(np.abs(a).max())


gradient, update = centralised(4, squares)
units, inputs = size(update.mean(0)) / size(update), size(update.mean(1)) / size(update)
print(f"6 inputs, 4 units: means over a unit's inputs {units:.1e} of the update, "
      f"over the units {inputs:.1e}")
gradient, update = centralised(3, cross_entropy)
softmax, due = size(update - gradient) / size(gradient), size(gradient.mean(0))
print(f"before a softmax: changed by {softmax:.1e} of the gradient, whose units have "
      f"means up to {due / size(gradient):.1e}")
gradient, update = centralised(1, squares)
print(f"one unit: gradient {size(gradient):.2g}, update {size(update):.2g}")

layer = nnx.Linear(6, 1, rngs=nnx.Rngs(0))
before, loss = np.asarray(layer.kernel[...]), float(squares(layer))
rule = optax.chain(optax.centralize(), optax.sgd(0.001))
optimizer = nnx.Optimizer(layer, rule, wrt=nnx.Param)
for _ in range(200):
    optimizer.update(layer, nnx.grad(squares)(layer))
moved = size(np.asarray(layer.kernel[...]) - before)
print(f"200 steps: the kernel has moved by {moved}, the loss goes from {loss:.2f} to "
      f"{float(squares(layer)):.2f}")

clipped, _ = optax.adaptive_grad_clip(1e-2).update(
    jnp.asarray(rng.standard_normal((6, 4))), optax.EmptyState(), jnp.ones((6, 4))
)
columns = np.ptp(np.linalg.norm(clipped, axis=0))
rows = np.ptp(np.linalg.norm(clipped, axis=1))
print(f"adaptive_grad_clip: norms of columns differ by {columns:.1e}, of rows by {rows:.1e}")
wrong = units > 0.01 and inputs < 1e-5 and softmax < 1e-5 and due > 0.01
still = size(update) == 0 and size(gradient) > 0.1 and moved == 0
sys.exit(0 if wrong and still and columns < 1e-6 < 1e-3 < rows else 1)
PYTHON
