#!/usr/bin/env bash
# torch exports a GroupNorm to ONNX opset 20 as InstanceNormalization between two reshapes,
# and to opset 21 or later as GroupNormalization. ONNX Runtime has no CPU kernel for that
# one and expands the definition in the standard, whose variance is the mean of squares
# less the square of the mean, in float32; for InstanceNormalization and
# LayerNormalization it sums deviations. So the newer opset has an output, of size 4, that
# is off by 4e-3 at a mean of 100 deviations, by 0.4 at 1000, and is nan at 10000, where
# the older one is off by 1e-3, with optimisations and without. One would have guessed
# that a newer opset describes the same layer at least as well, or that the variance of a
# standardised operator cannot be negative.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 \
    onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

print("torch", torch.__version__, "onnx", onnx.__version__,
      "onnxruntime", onnxruntime.__version__)
torch.manual_seed(0)
x = torch.randn(2, 8, 16, 16)
off = {}
for opset in (20, 21):
    layer = nn.GroupNorm(2, 8).eval()
    program = torch.onnx.export(
        layer, (x,), dynamo=True, opset_version=opset, verbose=False
    )
    model = program.model_proto
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    print(f"opset {opset}:", *[node.op_type for node in model.graph.node])
    for mean in (0, 100, 1000, 10000):
        z = x + mean
        exact = nn.GroupNorm(2, 8).double()(z.double()).detach().numpy()
        (y,) = session.run(None, {session.get_inputs()[0].name: z.numpy()})
        off[opset, mean] = float(np.abs(y - exact).max())
        print(f"  mean {mean:5}: off by {off[opset, mean]:.1e}")
right = all(off[20, mean] < 1e-5 + 1e-6 * mean for mean in (0, 100, 1000, 10000))
wrong = off[21, 100] > 1e-3 and off[21, 1000] > 0.05 and np.isnan(off[21, 10000])
sys.exit(0 if right and wrong and off[21, 0] < 1e-5 else 1)
PYTHON
