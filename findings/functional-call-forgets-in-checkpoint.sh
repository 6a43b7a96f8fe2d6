#!/usr/bin/env bash
# torch.func.functional_call evaluates a module with other parameters. Where the module
# uses torch.utils.checkpoint(use_reentrant=False), the value is that of the given
# parameters, but their gradient is, without an error or a warning, that of the
# module's own: checkpointing runs the layers once more during the backward pass, and
# by then functional_call has put the module's own parameters back. One would have
# guessed that the gradient belongs to the value, as it does without checkpointing, or
# that the check of what is recomputed says something; it compares shapes only.
#
# With a = 0.3 and b = 2 given to a module that holds a = b = 1, the derivatives of
# b sin(a) are (b cos(a), sin(a)) = (1.91, 0.30), and (cos(1), sin(1)) = (0.54, 0.84)
# come out. Gradients are right if they are taken while the parameters are in place.
#
# Exits 0 while this is so, and 1 if the behaviour has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    torch==2.13.0 numpy==2.4.6

cat > "$folder/program.py" <<'PROGRAM'
import math
import sys

import torch
from torch import nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint


class Net(nn.Module):
    def __init__(self, checkpointed):
        super().__init__()
        self.a, self.b = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        self.checkpointed = checkpointed
        nn.init.ones_(self.a.weight)
        nn.init.ones_(self.b.weight)

    def layers(self, x):
        return self.b(torch.sin(self.a(x)))

    def forward(self, x):
        if self.checkpointed:
            return checkpoint(self.layers, x, use_reentrant=False)
        return self.layers(x)


def value_and_gradient(checkpointed):
    params = {
        "a.weight": torch.tensor([[0.3]], requires_grad=True),
        "b.weight": torch.tensor([[2.0]], requires_grad=True),
    }
    out = functional_call(Net(checkpointed), params, (torch.ones(1, 1),)).sum()
    slopes = torch.autograd.grad(out, list(params.values()))
    return [out.item(), *(slope.item() for slope in slopes)]


right = [2 * math.sin(0.3), 2 * math.cos(0.3), math.sin(0.3)]
forgot = [2 * math.sin(0.3), math.cos(1.0), math.sin(1.0)]
plain, recomputed = value_and_gradient(False), value_and_gradient(True)
print("torch", torch.__version__)
for name, numbers in (
    ("by hand", right), ("plain", plain), ("checkpointed", recomputed)
):
    print(f"{name:>13}: value {numbers[0]:.4f}, gradient {numbers[1:]}")


def near(found, expected):
    return all(abs(x - y) < 1e-5 for x, y in zip(found, expected))


sys.exit(0 if near(plain, right) and near(recomputed, forgot) else 1)
PROGRAM
"$folder/venv/bin/python" -W error::UserWarning "$folder/program.py"
