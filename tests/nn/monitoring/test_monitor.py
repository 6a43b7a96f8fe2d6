"""The monitor sees what there is, and the training run does not see the monitor."""

import math

import pytest
import torch
from torch import nn

from condlab.nn import Monitor, layer_table
from tests.nn.monitoring.watched import X, Y, loss, network, run_step, trained


def test_a_watched_run_is_the_same_to_the_last_bit():
    every = ("kappa", "row_spread", "sigma_max", "lambda_max")
    plain, _ = trained(6)
    watched, _ = trained(6, lambda net, _: Monitor(net, every=2, what=every, loss=loss))
    for name, value in plain.state_dict().items():
        assert torch.equal(value, watched.state_dict()[name]), name


def test_gradients_are_left_as_they_were():
    net = network()
    loss(net).backward()
    before = [p.grad.clone() for p in net.parameters()]
    Monitor(net, what=["lambda_max"], loss=loss).look()
    assert all(
        torch.equal(p.grad, g) for p, g in zip(net.parameters(), before, strict=True)
    )


def test_records_are_those_of_the_layer_table():
    net = network()
    record = Monitor(net, what=["kappa", "row_spread", "sigma_max"]).look()
    for row in layer_table(net):
        assert record[f"kappa/{row.name}"] == row.kappa.value
        assert record[f"sigma_max/{row.name}"] == row.sigma_max
        assert record[f"row_spread/{row.name}"] == row.row_spread


def test_row_spread_alone_is_the_same_number():
    net = network()
    alone = Monitor(net, what=["row_spread"]).look()
    for row in layer_table(net):
        assert alone[f"row_spread/{row.name}"] == pytest.approx(row.row_spread)


def test_lambda_max_is_that_of_the_assembled_hessian():
    net = network().double().eval()
    inputs = X.double()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.25)
    monitor = Monitor(
        net,
        what=["lambda_max"],
        loss=lambda net: nn.functional.cross_entropy(net(inputs), Y),
        optimizer=optimiser,
        num_matvecs=60,
        rtol=1e-8,
    )
    record = monitor.look()
    H = torch.autograd.functional.hessian(flat_loss(net, inputs), flat(net))
    true = float(torch.linalg.eigvalsh(H)[-1])
    assert record["lambda_max"] == pytest.approx(true, rel=1e-6)
    assert abs(record["lambda_max"] - true) <= record["lambda_max_residual"] + 1e-12
    assert record["two_over_lr"] == 8.0
    again = monitor.look()
    assert again["lambda_max_products"] < record["lambda_max_products"]
    assert again["lambda_max"] == pytest.approx(true, rel=1e-6)


def test_differences_of_gradients_give_it_too():
    net = network().eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    exact, close = (
        Monitor(
            net, what=["lambda_max"], loss=loss, num_matvecs=40, rtol=1e-3, **options
        ).look()["lambda_max"]
        for options in ({}, {"differences": True})
    )
    # The error of a difference is about the root of eps times the third derivative.
    assert close == pytest.approx(exact, rel=0.02)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("differences", [False, True])
def test_one_product_a_report_comes_near_while_training(differences):
    net = network().eval()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05)
    options = {"loss": loss, "what": ["lambda_max"]}
    monitor = Monitor(net, num_matvecs=1, differences=differences, **options)
    for _ in range(40):
        run_step(net, optimiser)
        found = monitor.look()
        assert found["lambda_max_products"] == 1
    true = Monitor(net, num_matvecs=60, rtol=1e-4, **options).look()["lambda_max"]
    assert found["lambda_max"] == pytest.approx(true, rel=0.02)


def test_weights_come_back_when_the_loss_fails_elsewhere():
    net, calls = network().eval(), []

    def fails_at_the_second(net):
        calls.append(None)
        if len(calls) > 1:
            raise RuntimeError("no more")
        return loss(net)

    before = [p.data_ptr() for p in net.parameters()]
    options = {"what": ["lambda_max"], "differences": True}
    with pytest.raises(RuntimeError, match="no more"):
        Monitor(net, loss=fails_at_the_second, **options).look()
    assert [p.data_ptr() for p in net.parameters()] == before


def flat(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def flat_loss(net, inputs):
    names = [name for name, _ in net.named_parameters()]
    shapes = [p.shape for p in net.parameters()]

    def value(v):
        parts = torch.split(v, [s.numel() for s in shapes])
        params = {n: p.view(s) for n, p, s in zip(names, parts, shapes, strict=True)}
        out = torch.func.functional_call(net, params, (inputs,))
        return nn.functional.cross_entropy(out, Y)

    return value


def test_sigma_max_alone_is_found_from_where_it_was():
    net = network()
    true = {row.name: row.sigma_max for row in layer_table(net)}
    monitor = Monitor(net, what=["sigma_max"], rtol=1e-6, num_matvecs=20)
    for record in (monitor.look(), monitor.look()):
        for name, value in true.items():
            assert record[f"sigma_max/{name}"] == pytest.approx(value, rel=1e-5)


def test_sigma_max_of_few_products_is_a_lower_bound():
    net = network()
    record = Monitor(net, what=["sigma_max"], num_matvecs=1).look()
    for row in layer_table(net):
        assert record[f"sigma_max/{row.name}"] <= row.sigma_max * (1 + 1e-6)


def test_diverged_weights_are_recorded_as_not_a_number():
    net = network()
    net[0].weight.data[0, 0] = math.nan
    record = Monitor(net, what=["kappa", "lambda_max"], loss=loss).look()
    assert math.isnan(record["kappa/0.weight"])
    assert math.isfinite(record["kappa/4.weight"])
    assert math.isnan(record["lambda_max"])


def test_only_the_first_of_several_processes_watches(monkeypatch):
    seen = []
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    for rank in (1, 0):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        Monitor(network(), every=1, sinks=[seen.append]).step()
        assert len(seen) == (rank == 0)


def test_wrappers_are_looked_through():
    net = network()
    record = Monitor(nn.DataParallel(net), what=["kappa"]).look()
    assert "kappa/0.weight" in record


BAD = {
    "every": ({"every": 0}, "at least 1"),
    "what": ({"what": ["sharpness"]}, "what must be some of"),
    "nothing": ({"what": []}, "what must be some of"),
    "no loss": ({"what": ["lambda_max"]}, "needs loss"),
    "a suffix": ({"sinks": ["run.txt"]}, "must end in .csv or .jsonl"),
    "a folder": ({"sinks": ["no/where/run.csv"]}, "there is no directory"),
}


@pytest.mark.parametrize(("options", "why"), BAD.values(), ids=BAD)
def test_bad_options_are_refused_at_once(options, why):
    with pytest.raises(ValueError, match=why):
        Monitor(network(), **options)
    with pytest.raises(TypeError, match="a sink must be"):
        Monitor(network(), sinks=[3])


def test_a_network_that_no_longer_trains_is_told_and_not_recorded_as_diverged():
    net = torch.nn.Linear(2, 1).requires_grad_(False)
    monitor = Monitor(net, what=["lambda_max"], loss=lambda net: net.weight.sum())
    with pytest.raises(ValueError, match="lambda_max needs parameters that train"):
        monitor.look()


def test_the_start_survives_a_step_that_was_not_finite():
    net = torch.nn.Linear(2, 1)
    scale = [1.0]
    monitor = Monitor(
        net,
        what=["lambda_max"],
        loss=lambda net: scale[0] * net(torch.ones(1, 2)).square().sum(),
        rtol=1e-4,
    )
    assert math.isfinite(monitor.look()["lambda_max"])
    scale[0] = math.inf
    assert math.isnan(monitor.look()["lambda_max"])
    scale[0] = 1.0
    assert monitor.look()["lambda_max"] == pytest.approx(6.0, rel=1e-4)
