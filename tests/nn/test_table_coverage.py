"""The table covers the matrices of networks that others made, module or file."""

import pytest

from tests.nn import families as others
from tests.nn.shares import share

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.skipif(others.transformers is None, reason="needs transformers")
@pytest.mark.parametrize("name", others.FAMILIES)
def test_family_of_transformers_is_covered(name):
    net, _ = others.pretrained(name)
    for given in (net, dict(net.named_parameters())):
        found, left = share(net, given)
        assert found >= 0.98, left


@pytest.mark.parametrize("name", others.TORCH)
def test_torchs_own_network_is_covered(name):
    net, _ = others.torchs(name)
    for given in (net, dict(net.named_parameters())):
        found, left = share(net, given)
        assert found >= 0.98, left
