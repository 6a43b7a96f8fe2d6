"""Readings of Theorem 5.2, where what they must give is known."""

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from condlab.curvature import hold_lengths, line_numbers, make_loss
from studies.theorem_52 import counts as theorem_52
from studies.theorem_52.counts import (
    Family,
    data,
    minimum,
    network,
    readings,
    summarise,
    trial,
)

ONE = Family(1, nn.Identity, bias=False)


def setting(kind, seed=0):
    """Return a loss, the loss with rows of one length, weights, lines and data."""
    torch.manual_seed(seed)
    net, teacher = network(kind), network(kind)
    batch = data(kind, teacher)
    params = {name: p.detach() for name, p in net.named_parameters()}
    lines = {name: line_numbers(p) for name, p in params.items() if p.ndim == 2}
    loss = make_loss(net, kind.criterion())
    return loss, hold_lengths(loss, params, lines, length=1.0), params, lines, batch


def found(kind, params=None):
    loss, unit, drawn, lines, batch = setting(kind)
    at = drawn if params is None else params(drawn)
    return {
        name: (before, after)
        for name, before, after in readings(loss, unit, at, at, lines, batch)
    }


def test_a_frozen_scaling_of_one_layer_costs_the_square_of_its_spread():
    """The Hessian is E² ⊗ X'X, so that κ is the product of κ(E)² and κ(X'X)."""
    _, _, params, _, (x, _) = setting(ONE)
    (W,) = params.values()
    lengths = W.norm(dim=1)
    plain = float(np.linalg.cond(x.numpy().T @ x.numpy()))
    spread = float((lengths.max() / lengths.min()) ** 2)
    for name in ("frozen, same weights", "frozen, same function"):
        before, after = found(ONE)[name]
        assert before.value == pytest.approx(plain, rel=1e-10)
        assert after.value == pytest.approx(plain * spread, rel=1e-10)


def test_rows_of_length_one_leave_nothing_to_compare():
    def unit(params):
        return {n: p / p.norm(dim=1, keepdim=True) for n, p in params.items()}

    kind = Family(2, nn.Tanh, bias=False)
    for name in ("frozen, same weights", "frozen, same function", "inside, quotient"):
        before, after = found(kind, unit)[name]
        assert before.value == pytest.approx(after.value, rel=1e-9)


def test_the_minimum_of_one_layer_is_that_of_least_squares():
    loss, _, params, _, batch = setting(ONE)
    (W,) = minimum(loss, params, batch).values()
    x, y = (part.numpy() for part in batch)
    expected = np.linalg.lstsq(x, y, rcond=None)[0].T
    assert W.numpy() == pytest.approx(expected, abs=1e-6)


def test_a_loss_without_a_minimum_has_none():
    start = {"w": torch.ones(1, 1, dtype=torch.float64)}
    assert minimum(lambda p, _: p["w"].exp().sum() + p["w"].sum(), start, None) is None


def test_lengths_that_the_loss_ignores_leave_its_hessian_singular_at_a_minimum():
    cases = {name: ends for name, *ends in trial("one linear layer", "minimum", 0)}
    assert cases["inside, raw"][3] == math.inf
    assert cases["inside, sphere"][3] < math.inf


def test_only_certain_changes_of_regular_cases_count():
    cases = [
        ("x", 1.0, 2.0, 3.0, 4.0),  # rose
        ("x", 5.0, 6.0, 3.0, 4.0),  # fell
        ("x", 3.0, 4.0, 3.5, 5.0),  # either
        ("x", 1.0, math.inf, 3.0, 4.0),  # the plain one may be singular
        ("y", 1.0, math.inf, 3.0, math.inf),
    ]
    x, y = summarise(cases)
    assert (x["rose"], x["fell"], x["regular"], x["networks"]) == (1, 1, 3, 4)
    assert x["share"][0] < 1 / 3 < x["share"][1]
    assert (y["regular"], "share" in y) == (0, False)


def test_a_sweep_writes_the_same_bytes_however_many_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(theorem_52, "POINTS", ("drawn",))
    kept = dict(list(theorem_52.FAMILIES.items())[:1])
    monkeypatch.setattr(theorem_52, "FAMILIES", kept)
    files = [theorem_52.main(2, tmp_path / f"{jobs}.json", jobs) for jobs in (1, 2)]
    first, second = (file.read_bytes() for file in files)
    assert first == second
    rows = json.loads(first)["rows"]
    assert {row["networks"] for row in rows} == {2}
    assert len({row["reading"] for row in rows}) == len(rows) == 5
