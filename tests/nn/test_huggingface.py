"""Networks that others made: condition, train one step, fold; and a table of it.

The table is docs/conditioned-models.md, written by

    python -m tests.nn.test_huggingface > docs/conditioned-models.md
"""

import copy
from collections import Counter
from collections.abc import Callable

import pytest
import torch
from torch import nn

from condlab.nn import condition, describe, fold
from condlab.nn.describe import Description
from tests.nn.families import (
    FAMILIES,
    TORCH,
    pretrained,
    torchs,
    transformers,
)
from tests.nn.shares import share

pytestmark = [
    pytest.mark.slow,
    # Others' networks warn about their own affairs.
    pytest.mark.filterwarnings("ignore"),
]


def train_and_fold(
    net: nn.Module, call: Callable[[nn.Module], torch.Tensor]
) -> Description:
    keys = set(fold(copy.deepcopy(net)).state_dict())  # some come parametrized
    condition(net)
    found = describe(net)
    before = [p.detach().clone() for p in net.parameters()]
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    net.train()
    call(net).square().mean().backward()
    optimiser.step()
    after = list(net.parameters())
    assert all(p.isfinite().all() for p in after)
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    net.eval()
    with torch.no_grad():
        expected = call(net)
        off = (call(fold(net)) - expected).abs().max().item()
    assert expected.isfinite().all()
    assert off < 1e-6 * max(1, expected.abs().max().item())
    assert set(net.state_dict()) == keys
    return found


@pytest.mark.skipif(transformers is None, reason="needs transformers")
@pytest.mark.parametrize("name", FAMILIES)
def test_family_of_transformers_trains_conditioned_and_folds(name):
    found = train_and_fold(*pretrained(name))
    assert found.conditioned


@pytest.mark.parametrize("name", TORCH)
def test_torchs_own_network_trains_conditioned_and_folds(name):
    found = train_and_fold(*torchs(name))
    assert found.conditioned


def summary(found: Description) -> tuple[str, str]:
    """Return what was conditioned by class of layer, and what was not by reason."""
    done = Counter(w.layer for w in found.conditioned)
    left: dict[str, Counter[str]] = {}
    for w in found.left_alone:
        what = w.name.rpartition(".")[2]
        left.setdefault(w.reason, Counter())[what] += 1
    reasons = [
        f"{reason}: " + ", ".join(f"{n} {what}" for what, n in which.items())
        for reason, which in sorted(left.items())
    ]
    undone = f"; {len(found.absorbed)} undone by a norm" if found.absorbed else ""
    kinds = ", ".join(f"{n} {kind}" for kind, n in done.items())
    return kinds + undone, "; ".join(reasons)


def table() -> str:
    rows = [
        "# What `condlab.nn.condition` does to networks that others made",
        "",
        "Each is built tiny and random from its configuration, conditioned, trained",
        "for one step and folded. Written by `python -m tests.nn.test_huggingface`",
        f"with transformers {transformers.__version__} and torch {torch.__version__}.",
        "",
        "In the last columns, of how many of the entries of matrices `condlab weights`",
        "makes a table, of the module and of its state dict.",
        "",
        "| network | conditioned | left alone | of the module | of the file |",
        "|---|---|---|---|---|",
    ]
    for build, names in ((pretrained, FAMILIES), (torchs, TORCH)):
        for name in names:
            done, left = summary(train_and_fold(*build(name)))
            net, _ = build(name)
            shares = [
                f"{100 * share(net, given)[0]:.4g} %"
                for given in (net, dict(net.named_parameters()))
            ]
            rows.append(f"| {name} | {done} | {left} | {' | '.join(shares)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
