"""Compare two ways to spend products on the smallest |eigenvalue| of a Hessian.

    OMP_NUM_THREADS=1 python -m benchmarks.hessians.interior

The Hessian that the probes of `studies.high_learning_rate` see: ResNet-20 of width 8 at
its start, on 32 digits, in float32 and float64. For a number of products the certain
lower bound of kappa is told where all are Lanczos's, with harmonic combinations of its
basis, and where a half or three quarters go to inverse iteration by MINRES, started
from the best of these. Lanczos holds up to 128 vectors and then restarts; MINRES needs
five. Four minutes on one core.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from condlab.curvature import condition_number
from studies import high_learning_rate
from studies.data import Images, load
from studies.tasks.arms import batch_statistics
from studies.tasks.classification import CURVATURE, plain_loss
from studies.tasks.curvature import hessian
from studies.tasks.sources import prepare

RECORD = Path(__file__).parents[1] / "results" / "interior.json"
PRODUCTS = {torch.float32: (20, 40, 80, 120, 240), torch.float64: (20, 40, 80, 120)}
SHARES = (0.0, 0.5, 0.75)  # of the products that are MINRES's


def main() -> Path:
    """Measure every split of every budget, and write the record."""
    images = load("digits")
    torch.manual_seed(0)
    net = high_learning_rate.network(high_learning_rate.Config(), images)
    assert isinstance(images, Images)
    (inputs, labels), _ = prepare(images, torch.device("cpu"))
    rows = []
    for dtype, budgets in PRODUCTS.items():
        net, batch = net.to(dtype), (inputs[:CURVATURE].to(dtype), labels[:CURVATURE])
        with batch_statistics(net):
            H = hessian(net, plain_loss, batch)
            for products in budgets:
                rows.append({"dtype": str(dtype), "products": products})
                for share in SHARES:
                    more = round(share * products)
                    found = condition_number(
                        H, method="lanczos", num_matvecs=products - more, interior=more
                    )
                    rows[-1][f"{share:g}"] = float(f"{found.kappa.lower:.5g}")
                print(json.dumps(rows[-1]), flush=True)
    record = {"parameters": H.shape[0], "torch": torch.__version__, "rows": rows}
    RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return RECORD


if __name__ == "__main__":
    print(main())
