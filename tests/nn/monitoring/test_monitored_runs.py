"""Where the monitor's records go, through files, checkpoints and trainers."""

import csv
import json
import subprocess
import sys
import types

import pytest
import torch
from torch import nn

from condlab.nn import Monitor
from tests.nn.monitoring.watched import loss, network, run_step, trained


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
