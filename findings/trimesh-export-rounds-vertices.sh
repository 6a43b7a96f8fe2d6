#!/usr/bin/env bash
# trimesh holds vertices in float64 and exports them rounded, by an amount that depends on
# the format and is not said: to float32 in PLY, which has a type "double"; to eight
# decimals in OBJ and to ten in OFF, so that a small mesh loses all digits: of a mesh in
# units of 1e-9, OBJ keeps nothing and every vertex becomes the origin, where PLY keeps
# seven digits. meshio writes the same mesh to the bit in all three. One would have
# guessed that a mesh goes through PLY unchanged, and through text with the digits that
# tell floats apart.
# The cure: meshio, or scale the mesh to the order of one before text formats.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    numpy==2.4.6 trimesh==5.2.0 meshio==5.3.5
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import meshio
import numpy as np
import trimesh

print("trimesh", trimesh.__version__, "meshio", meshio.__version__)
ball = trimesh.creation.icosphere(subdivisions=2)
faces = np.asarray(ball.faces)
off = {}
for unit in (1.0, 1e-9):
    points = np.asarray(ball.vertices) * unit
    for kind in ("ply", "off", "obj"):
        trimesh.Trimesh(points, faces, process=False).export(f"t.{kind}")
        meshio.write(f"m.{kind}", meshio.Mesh(points, [("triangle", faces)]))
        for name in ("t", "m"):  # read by meshio, which reads its own files to the bit
            found = meshio.read(f"{name}.{kind}").points
            far = np.abs(found - points).max() / unit
            off[name, unit, kind] = far
            print(f"{'trimesh' if name == 't' else 'meshio':8} {kind} unit {unit:g}: off by {far:.1e} of it")
own = all(off["m", unit, kind] < 1e-15 for unit in (1.0, 1e-9) for kind in ("ply", "off", "obj"))
rounded = all(off["t", 1.0, kind] > 1e-11 for kind in ("ply", "off", "obj"))
lost = off["t", 1e-9, "obj"] > 0.9
sys.exit(0 if own and rounded and lost else 1)
PYTHON
