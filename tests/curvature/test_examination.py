"""One record of all that is known of a Hessian, as the command line prints it."""

import json

import pytest
import torch

from condlab.curvature import (
    HessianOperator,
    condition_number,
    examine,
    example,
    find_invariances,
    gauss_newton,
    gauss_newton_condition,
    make_loss,
)
from condlab.nn import condition as conditioned


@pytest.fixture(scope="module")
def found():
    return examine(*example("mlp"))


def test_an_examination_is_what_its_parts_say(found):
    net, criterion, batches = example("mlp")
    params = dict(net.named_parameters())
    loss = make_loss(net, criterion)
    H = HessianOperator(loss, params, batches)
    alone = condition_number(H, invariances=find_invariances(H, net))
    assert found.condition.nullity == alone.nullity
    assert found.condition.lambda_max.upper == pytest.approx(alone.lambda_max.upper)
    G = gauss_newton_condition(gauss_newton(loss, params, batches))
    assert found.gauss_newton.kappa_nonnull.value == pytest.approx(
        G.kappa_nonnull.value
    )


def test_the_whole_spectrum_counts_predicted_null_directions(found):
    spectrum = found.spectrum()
    assert spectrum.complete
    assert len(spectrum.values) == found.operator.shape[0]
    exact = torch.linalg.eigvalsh(found.operator.dense().double())
    off = (spectrum.values - exact).abs()
    assert (off <= spectrum.radii + found.condition.noise).all()
    band = found.density().cumulative(0.0)
    assert band.lower <= float((exact <= 0).double().mean()) <= band.upper


def test_sharpness_is_held_against_two_over_the_step(found):
    top = found.condition.lambda_max
    assert found.sharpness(1.9 / top.upper)["verdict"].startswith("below")
    assert found.sharpness(2.1 / top.lower)["verdict"].startswith("above")


def test_a_record_is_json_and_keeps_no_tensor(found):
    record = found.to_dict()
    assert json.loads(json.dumps(record))["parameters"] == found.operator.shape[0]
    assert "spectrum" not in record


def test_the_sphere_gauge_needs_conditioned_layers():
    net, criterion, batches = example("mlp")
    with pytest.raises(ValueError, match=r"needs layers of condlab\.nn\.condition"):
        examine(net, criterion, batches, gauge="sphere")
    found = examine(conditioned(net, "row"), criterion, batches, gauge="sphere")
    assert found.condition.gauge == "sphere"
