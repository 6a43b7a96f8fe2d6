"""The table covers the matrices of networks that others made, module or file."""

import pytest
import torch

from condlab.nn import layer_table
from tests.nn import test_huggingface as others

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def share(net, given):
    """Return the share of the entries of matrices that a table is of."""
    tensors = {
        (p.data_ptr(), tuple(p.shape)): p
        for p in net.parameters()
        if sum(n > 1 for n in p.shape) > 1
    }
    everything = sum(p.numel() for p in tensors.values())
    table = layer_table(given, scalings=False)
    return table.entries / everything, table.left_out


@pytest.mark.skipif(others.transformers is None, reason="needs transformers")
@pytest.mark.parametrize("name", others.FAMILIES)
def test_family_of_transformers_is_covered(name):
    net, _ = others.pretrained(name)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn_like(p))
    for given in (net, dict(net.named_parameters())):
        found, left = share(net, given)
        assert found >= 0.98, left


@pytest.mark.parametrize("name", others.TORCH)
def test_torchs_own_network_is_covered(name):
    net, _ = others.torchs(name)
    for given in (net, dict(net.named_parameters())):
        found, left = share(net, given)
        assert found >= 0.98, left
