"""Records of runs, made to have known answers."""

import math

import numpy as np

STEPS = 100
FASTER = 0.5  # of the plain network's time constant, at every rate and seed


def record(arm, lr, seed, *, constant, kappa, study="inception", status="done"):
    """Return a run whose loss is exp(-step / constant)."""
    steps = range(0, STEPS + 1, 5)
    loss = [[step, math.exp(-step / constant)] for step in steps]
    return {
        "study": study,
        "preset": "cpu",
        "status": status,
        "config": {"arm": arm, "lr": lr, "seed": seed, "steps": STEPS, "data": "x"},
        "series": {
            "probe_loss": loss,
            "kappa_effective": [[0, 1.0], [10, kappa]],
            "lambda_max": [[0, 1.0], [10, 1.0]],
        },
        "tables": {"start": {"norm": [1.0, 3.0, 2.0]}},
    }


def records(study="inception", arm="E"):
    """Return runs in which an arm halves the time, and kappa follows the time."""
    rng = np.random.default_rng(0)
    found = []
    for seed in range(4):
        for lr in (0.1, 0.3):
            constant = 40 / (1 + lr) * rng.uniform(0.95, 1.05)
            for name, share in (("plain", 1.0), (arm, FASTER), ("WN", 1.0)):
                time = constant * share
                found.append(
                    record(name, lr, seed, constant=time, kappa=time, study=study)
                )
    return found
