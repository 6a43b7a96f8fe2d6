"""Torch's layers and losses, and small networks: right to differences, or refused.

The table is docs/hessian-conformance.md, written by

    python -m tests.curvature.test_conformance > docs/hessian-conformance.md
"""

import importlib.util
import math
import re
from collections import Counter

import pytest
import torch

from tests.curvature.conformance import torch_layers, whole_networks
from tests.curvature.conformance.judge import Outcome, Row, judge

ROWS = (*torch_layers.ROWS, *whole_networks.ROWS)
CHEAP = [row for row in ROWS if not row.needs]
OTHERS = [row for row in ROWS if row.needs]


def named(row):
    return f"{row.group}: {row.name}"


def check(row):
    found = judge(row)
    if row.refused:
        assert row.refused in found.refused
    else:
        assert found.refused == ""
        assert found.error <= found.tolerance


@pytest.mark.parametrize("row", CHEAP, ids=named)
def test_hessian_is_right_to_differences_of_the_loss_value_or_refused(row):
    check(row)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # others' networks warn of their own affairs
@pytest.mark.parametrize("row", OTHERS, ids=named)
def test_hessian_of_other_libraries_networks_is_right_or_refused(row):
    pytest.importorskip(row.needs)
    check(row)


def test_rows_of_the_table_have_names_of_their_own():
    assert max(Counter(map(named, ROWS)).values()) == 1
    assert len(ROWS) >= 60


def _cell(found: Outcome) -> str:
    if not found.refused:
        return f"right to 1e{math.ceil(math.log10(max(found.error, 1e-16)))}"
    sentence = re.split(r"; (?!batched|forward)", found.refused)[0]
    return "refused: " + re.sub(r"\s+", " ", sentence).replace("|", r"\|")[:240]


def _line(row: Row) -> str:
    torch.set_num_threads(1)
    found = judge(row)
    source = f" ({row.needs})" if row.needs else ""
    dropped = ", ".join(found.dropped)
    return f"| {row.group} | {row.name}{source} | {_cell(found)} | {dropped} |"


def main() -> None:
    """Print the table."""
    import torch_geometric
    import torchdiffeq
    import transformers

    print(
        "# Which losses have a Hessian that is right\n\n"
        "Products u'Hv in float64 against mixed second differences of the loss value,\n"
        "relative to |Hv|, at three pairs of random directions; nothing else decides.\n"
        "Differences are good to 1e-8 where the loss is smooth, 1e-4 near kinks and\n"
        "where a library computes in float32. Backends whose products disagree with\n"
        "differences of the gradient are dropped. Written by\n"
        "`python -m tests.curvature.test_conformance` with "
        f"torch {torch.__version__},\ntransformers {transformers.__version__}, "
        f"torch_geometric {torch_geometric.__version__} and torchdiffeq "
        f"{torchdiffeq.__version__}.\n\n"
        "| kind | loss | Hessian | backends dropped |\n|---|---|---|---|"
    )
    for row in ROWS:
        if not row.needs or importlib.util.find_spec(row.needs):
            print(_line(row))


if __name__ == "__main__":
    main()
