"""Ask what is certain of the Hessian at a checkpoint."""

import tempfile
from pathlib import Path

import torch

from condlab.curvature import examine, example
from condlab.nn import load_checkpoint

net, criterion, batches = example("mlp")  # in place of a network of one's own
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "net.pt"
    torch.save(net.state_dict(), path)
    load_checkpoint(net, torch.load(path, weights_only=True))
found = examine(net, criterion, batches)
kappa = found.condition
print(f"{kappa.size} parameters, {kappa.nullity} null directions: {kappa.null_sources}")
print(f"lambda_max {kappa.lambda_max:.6g}")
print(f"kappa off the null directions {kappa.kappa_nonnull}")
print(found.sharpness(lr=0.1)["verdict"])
