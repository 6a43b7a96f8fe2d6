"""Plant culprits in real matrices, and ask which scaling helps what.

    python -m benchmarks.diagnose FOLDER [--part lines|advice]

FOLDER holds SuiteSparse's matrices as NAME.mtx.gz. In each of twenty of them one row,
and then one column, drawn at random, is multiplied by 1e6: is it named, how far up the
list, and how many others are? Then every matrix, with those of `condlab.collection`,
is scaled for every purpose that it allows, and the advice tried on other right-hand
sides than those it was found by: is it ever worse than none there, and where is it none
although κ falls? Out comes results/diagnose.json, written after each
matrix, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import scipy.sparse as sp

import condlab
from condlab.collection import COLLECTION
from condlab.diagnosis._problem import solved_by
from condlab.diagnosis.purposes import PURPOSES
from condlab.io import read_matrix

RECORD = Path(__file__).parent / "results" / "diagnose.json"
UNIT = 1e6
LARGEST = 300  # order of the matrices in which culprits are planted
PLANTED = 20
MOST_STEPS = 2000
TOL = 1e-8
OTHERS = 5  # right-hand sides that the advice has not seen

Entry = dict[str, object]
Record = dict[str, dict[str, Entry]]


def matrices(folder: Path) -> Iterator[tuple[str, sp.csr_array]]:
    """Yield the matrices of a folder, the smallest first, and of the collection."""
    found = {
        path.name.removesuffix(".mtx.gz"): sp.csr_array(read_matrix(path))
        for path in folder.glob("*.mtx.gz")
    }
    yield from sorted(found.items(), key=lambda item: (item[1].shape, item[0]))
    for name, entry in COLLECTION.items():
        try:
            yield f"builtin:{name}", sp.csr_array(entry.load())
        except ImportError:  # its data ship with a package that is not here
            continue


def with_culprits(name: str, A: sp.csr_array) -> Entry:
    """Multiply one row and one column in turn, and look for them among the named."""
    rng = np.random.default_rng(list(name.encode()))
    before = len(condlab.diagnose(A, purpose=(), time_limit=0).culprits)
    entry: Entry = {"shape": list(A.shape), "named before": before}
    for k, axis in enumerate(("row", "column")):
        line = int(rng.choice(np.unique(sp.coo_array(A).coords[k])))
        d = np.ones(A.shape[k])
        d[line] = UNIT
        B = sp.csr_array(A @ sp.diags_array(d) if k else sp.diags_array(d) @ A)
        found = condlab.diagnose(B, purpose=(), time_limit=0).culprits
        lines = [f"{each.axis} {each.index}" for each in found]
        planted = f"{axis} {line}"
        place = lines.index(planted) + 1 if planted in lines else None
        entry[axis] = {"line": line, "place": place, "named": len(lines)}
    return entry


def advised(A: sp.csr_array) -> Entry:
    """Return what was measured for each purpose, and what is advised."""
    start = time.process_time()
    A = A.astype(float)
    found = condlab.diagnose(A, time_limit=0, max_steps=MOST_STEPS)
    scalings = {row.name: row.scaling for row in found.scalings}
    signs = np.random.default_rng(1).choice([-1.0, 1.0], (A.shape[1], OTHERS))
    others = solved_by(A, signs, TOL, MOST_STEPS)
    entry: Entry = {"shape": list(A.shape)}
    for each in found.advice:
        kappas = {attempt.scaling: attempt.kappa.value for attempt in each.attempts}
        measure, chosen = PURPOSES[each.purpose].measure, each.scaling
        plain, advised = (measure(others, scalings[s]) for s in ("none", chosen))
        score = next(iter(plain))
        entry[each.purpose] = {
            "advice": chosen,
            "none": {name: _number(x) for name, x in plain.items()},
            "advised": {name: _number(x) for name, x in advised.items()},
            "worse than none": any(
                advised[name] > plain[name]
                for name in (score, "backward error")
                if name in plain
            ),
            "kappa": _number(kappas["none"]),
            "least kappa": _number(min(kappas.values())),
        }
    entry["seconds"] = round(time.process_time() - start, 2)
    return entry


def _number(x: float) -> float | str:
    return x if math.isfinite(x) else "inf"


def summary(record: Record) -> dict[str, Entry]:
    """Return the figures over all matrices."""
    lines = [line for entry in record["lines"].values() for line in entry.values()]
    places = [line["place"] for line in lines if isinstance(line, dict)]
    named = {
        "planted": len(places),
        "named": sum(place is not None for place in places),
        "first": sum(place == 1 for place in places),
    }
    advice: dict[str, list[dict[str, object]]] = {}
    for entry in record["advice"].values():
        for purpose, each in entry.items():
            if isinstance(each, dict):
                advice.setdefault(purpose, []).append(each)
    return {"lines": dict(named), "matrices": {"advised": len(record["advice"])}} | {
        purpose: {
            "matrices": len(rows),
            "none": sum(row["advice"] == "none" for row in rows),
            "worse than none": sum(bool(row["worse than none"]) for row in rows),
        }
        for purpose, rows in advice.items()
    }


def write(record: Record, path: Path) -> None:
    whole = {**record, "summary": summary(record)}
    path.write_text(json.dumps(whole, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of SuiteSparse's NAME.mtx.gz")
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--part", choices=["lines", "advice"])
    args = parser.parse_args()
    record: Record = {"lines": {}, "advice": {}}
    if args.record.exists():
        last = json.loads(args.record.read_text())
        record = {part: last[part] for part in record}
    for name, A in matrices(args.folder):
        small = max(A.shape) <= LARGEST and not name.startswith("builtin")
        room = len(record["lines"]) < PLANTED
        if args.part != "advice" and small and room and name not in record["lines"]:
            record["lines"][name] = with_culprits(name, A)
            write(record, args.record)
        if args.part != "lines" and name not in record["advice"]:
            record["advice"][name] = advised(A)
            write(record, args.record)


if __name__ == "__main__":
    main()
