#!/usr/bin/env bash
# GGUF's Q8_0 stores blocks of 32 weights as int8 with a scale of their own, so that one
# would have guessed a relative error of 1/254 of the block's largest weight in whatever
# units a row is. The scale is a half-precision number: a block whose largest weight is
# below 3.7e-6 becomes zero, and one above 8.3e6 infinite or nan, silently. Equilibrated
# rows are safe; a network whose rows were scaled the other way, with the inverse in the
# next layer, is the same function in float32 and loses neurons in Q8_0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 gguf==0.19.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from gguf import GGMLQuantizationType as Kind
from gguf import quants

print("numpy", np.__version__, "gguf", version("gguf"))
row = np.linspace(-1, 1, 32, dtype=np.float32)[None, :]


def error(unit):
    """Return the error over the largest weight, of a row in some unit."""
    x = row * np.float32(unit)
    y = quants.dequantize(quants.quantize(x, Kind.Q8_0), Kind.Q8_0)
    return float(np.abs(y - x).max() / np.abs(x).max())


found = {unit: error(unit) for unit in (1e-9, 3e-6, 1e-4, 1.0, 1e4, 8e6, 1e8)}
for unit, off in found.items():
    print(f"largest weight {unit:7.0e}: off by {off:.3g} of it")
middle = all(found[unit] < 1 / 200 for unit in (1.0, 1e4))
ends = found[1e-9] == found[3e-6] == 1 and not np.isfinite(found[1e8])
sys.exit(0 if middle and ends else 1)
PYTHON
