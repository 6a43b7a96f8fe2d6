#!/usr/bin/env bash
# torchmetrics' universal image quality index, a quotient without constants by definition,
# gives one pair of float32 images 0.94 in [0, 1] or [0, 255], 0.93 in [0, 0.1], 0.33 in
# [0, 0.03] and 0.006 in [0, 0.01], as of dark renderings or radiances: eps is added to a
# denominator which is of fourth order in the image's units. In float64 it is 0.94 for
# all, and the structural similarity, which does have constants, keeps its value, as they
# follow the range of the data. One would have guessed that an index without units does
# not see them, and that it sees them less than one that has constants.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
import torchmetrics
from torchmetrics.functional.image import (
    structural_similarity_index_measure,
    universal_image_quality_index,
)

print("torchmetrics", torchmetrics.__version__, "torch", torch.__version__)
torch.manual_seed(0)
target = torch.rand(1, 1, 64, 64)
image = (target + 0.1 * torch.randn_like(target)).clamp(0, 1)
found = {}
for top in (255.0, 1.0, 0.1, 0.03, 0.01):
    x, y = image * top, target * top
    found[top] = single, double, similarity = [float(value) for value in (
        universal_image_quality_index(x, y),
        universal_image_quality_index(x.double(), y.double()),
        structural_similarity_index_measure(x, y))]
    print(f"images in [0, {top:g}]: index {single:.4f}, in float64 {double:.4f}, "
          f"structural similarity {similarity:.4f}")
same = all(abs(d - found[1.0][1]) + abs(s - found[1.0][2]) < 1e-3 for _, d, s in found.values())
right = abs(found[1.0][0] - found[1.0][1]) < 1e-3
sys.exit(0 if same and right and found[0.03][0] < 0.5 and found[0.01][0] < 0.05 else 1)
PYTHON
