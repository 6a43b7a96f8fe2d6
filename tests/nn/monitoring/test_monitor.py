"""The monitor sees what there is, and the training run does not see the monitor."""

import csv
import json
import math
import subprocess
import sys
import types

import pytest
import torch
from torch import nn

from condlab.nn import Monitor, layer_table


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 3)
    )


torch.manual_seed(1)
X, Y = torch.randn(16, 4), torch.randint(3, (16,))


def loss(net):
    return nn.functional.cross_entropy(net(X), Y)


def trained(steps, make=None):
    net = network()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    monitor = make(net, optimiser) if make else None
    torch.manual_seed(2)
    for _ in range(steps):
        run_step(net, optimiser)
        if monitor:
            monitor.step()
    return net, monitor


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


def test_steps_between_records_are_silent():
    seen = []
    _, monitor = trained(7, lambda net, _: Monitor(net, every=3, sinks=[seen.append]))
    assert [record["step"] for record in seen] == [3, 6]
    assert monitor.step(9)["step"] == 9
    assert monitor.step(9) is None


def test_files_take_every_record(tmp_path):
    lines, table = tmp_path / "run.jsonl", tmp_path / "run.csv"
    trained(4, lambda net, _: Monitor(net, every=2, sinks=[lines, str(table)]))
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [record["step"] for record in records] == [2, 4]
    rows = list(csv.DictReader(table.read_text().splitlines()))
    for record in records:
        for what, value in record.items():
            if what != "step":
                row = {"step": str(record["step"]), "what": what, "value": str(value)}
                assert row in rows


def test_infinite_kappa_is_written_and_read(tmp_path):
    net = nn.Linear(2, 2)
    nn.init.zeros_(net.weight)
    monitor = Monitor(net, every=1, what=["kappa"], sinks=[tmp_path / "run.jsonl"])
    monitor.step()
    text = (tmp_path / "run.jsonl").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["kappa/weight"] == "inf"


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path, suffix):
    whole, broken = tmp_path / f"whole.{suffix}", tmp_path / f"broken.{suffix}"
    trained(8, lambda net, _: Monitor(net, every=2, sinks=[whole]))

    net, saved = network(), {}
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    monitor = Monitor(net, every=2, sinks=[broken])
    torch.manual_seed(2)
    for step in range(1, 8):  # killed after 7 steps, saved after 4
        run_step(net, optimiser)
        monitor.step()
        if step == 4:
            saved = {
                "net": {k: v.clone() for k, v in net.state_dict().items()},
                "monitor": monitor.state_dict(),
                "random": torch.get_rng_state(),
            }
    with broken.open("a") as file:
        file.write('{"step": 4, "ka')  # while it wrote
    net = network()
    net.load_state_dict(saved["net"])
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    monitor = Monitor(net, every=2, sinks=[broken])
    monitor.load_state_dict(saved["monitor"])
    torch.set_rng_state(saved["random"])
    for _ in range(4):
        run_step(net, optimiser)
        monitor.step()
    assert broken.read_text() == whole.read_text()


def run_step(net, optimiser):
    optimiser.zero_grad()
    loss(net).backward()
    optimiser.step()


def test_states_pass_a_checkpoint_of_tensors_alone(tmp_path):
    monitor = Monitor(network(), every=1, what=["lambda_max"], loss=loss)
    monitor.step()
    torch.save(monitor.state_dict(), tmp_path / "m.pt")
    other = Monitor(network(), every=1, what=["lambda_max"], loss=loss)
    other.load_state_dict(torch.load(tmp_path / "m.pt", weights_only=True))
    assert other.count == 1
    assert other.step()["step"] == 2


def test_a_sink_that_fails_is_warned_of_and_the_others_are_served():
    seen = []

    def full(record):
        raise OSError("disk full")

    monitor = Monitor(network(), every=1, sinks=[full, seen.append])
    for _ in range(2):
        with pytest.warns(UserWarning, match="step .: OSError: disk full"):
            monitor.step()
    assert [record["step"] for record in seen] == [1, 2]


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


class Writer:
    def __init__(self):
        self.scalars = []

    def add_scalar(self, name, value, step):
        self.scalars.append((name, value, step))


class Run:
    def __init__(self):
        self.logged = []

    def log(self, values, step):
        self.logged.append((step, values))


def test_writers_and_runs_get_their_scalars():
    writer, run = Writer(), Run()
    record = Monitor(network(), every=1, what=["kappa"], sinks=[writer, run]).step()
    rest = {name: value for name, value in record.items() if name != "step"}
    assert run.logged == [(1, rest)]
    assert writer.scalars == [(name, value, 1) for name, value in rest.items()]


def test_hugging_faces_trainer_steps_the_monitor(monkeypatch):
    fake = types.ModuleType("transformers")
    fake.TrainerCallback = type("TrainerCallback", (), {})
    monkeypatch.setitem(sys.modules, "transformers", fake)
    seen = []
    monitor = Monitor(network(), every=2, sinks=[seen.append])
    callback = monitor.for_hugging_face()
    state = types.SimpleNamespace(global_step=4)
    callback.on_train_begin(None, state, None, optimizer=None)
    for state.global_step in (5, 6):
        callback.on_step_end(None, state, None, model=None)
    assert [record["step"] for record in seen] == [6]


def test_lightnings_trainer_steps_the_monitor_once_an_optimiser_step(monkeypatch):
    fake = types.ModuleType("lightning.pytorch")
    fake.Callback = type("Callback", (), {})
    monkeypatch.setitem(sys.modules, "lightning", types.ModuleType("lightning"))
    monkeypatch.setitem(sys.modules, "lightning.pytorch", fake)
    seen = []
    callback = Monitor(network(), every=1, sinks=[seen.append]).for_lightning()
    trainer = types.SimpleNamespace(global_step=0, optimizers=[])
    callback.on_train_start(trainer, None)
    for trainer.global_step in (0, 0, 1, 1, 2):  # gradients are accumulated
        callback.on_train_batch_end(trainer, None, None, None, 0)
    assert [record["step"] for record in seen] == [1, 2]
    assert callback.state_dict()["count"] == 2


def test_importing_condlab_needs_no_trainer():
    code = (
        "import sys, condlab.nn; others = {'transformers', 'lightning', 'wandb'}; "
        "assert not others & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


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
