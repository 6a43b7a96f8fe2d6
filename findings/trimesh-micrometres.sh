#!/usr/bin/env bash
# A sphere of a micrometre in metres is for trimesh watertight, of 642 vertices, and of the
# right volume. But contains and signed_distance say of points inside it that they are not,
# its section is empty, its convex hull has volume 0, and its mean curvature is 18 times
# too large, all without a word. A cross product of two edges counts as zero below a
# length of 2.2e-14, in the units of the mesh squared, so that no face has a normal. A
# sphere of a tenth of a millimetre is right throughout. One would have guessed that
# scaling the vertices scales the mesh, and that what has a volume has an inside.
#
# Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    trimesh==5.2.0 numpy==2.4.6 scipy==1.17.1 rtree==1.4.1 networkx==3.6.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import trimesh

print("trimesh", trimesh.__version__, "numpy", np.__version__)
sphere = trimesh.creation.icosphere(subdivisions=3)
found = {}
for unit in (1.0, 1e-4, 1e-6):
    mesh = trimesh.Trimesh(sphere.vertices * unit, sphere.faces)
    section = mesh.section([0, 0, 1], [0, 0, 0.01 * unit])
    inside = np.array([[0, 0, 0.1], [0.2, 0.1, 0.3]]) * unit
    found[unit] = {
        "watertight": bool(mesh.is_watertight),
        "volume": float(mesh.volume) / unit**3,
        "contains": mesh.contains(inside).tolist(),
        "signed distance": (
            trimesh.proximity.signed_distance(mesh, inside) / unit).round(2).tolist(),
        "section": 0.0 if section is None else float(section.length) / unit,
        "hull": float(mesh.convex_hull.volume) / unit**3,
        "mean curvature": float(mesh.integral_mean_curvature) / unit,
    }
    print(f"in units of {unit:g}: {found[unit]}")
large, small = found[1e-4], found[1e-6]
same = all(np.allclose(large[key], found[1.0][key], rtol=0.02) for key in large)
intact = small["watertight"] and np.isclose(small["volume"], found[1.0]["volume"])
lost = not any(small["contains"]) and small["section"] == small["hull"] == 0
lost = lost and max(small["signed distance"]) <= 0 and small["mean curvature"] > 100
sys.exit(0 if same and intact and lost else 1)
PYTHON
