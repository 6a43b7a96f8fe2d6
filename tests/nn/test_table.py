"""The condition of every weight matrix: certain, right, and each matrix once."""

import math

import mpmath
import numpy as np
import pytest
import torch
from torch import nn

from condlab import cond_2
from condlab.condition._gram import BLOCK, by_gram, squares
from condlab.nn import condition, effective_weights, layer_table

EPS = float(np.finfo(float).eps)


def exact_singular_values(A):
    """Return the singular values of a float matrix to 60 digits."""
    with mpmath.workdps(60):
        M = mpmath.matrix(np.asarray(A, dtype=float).tolist())
        S = mpmath.svd_r(M, compute_uv=False)
        return list(S)


def with_spectrum(sigma, n, seed):
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.standard_normal((len(sigma), len(sigma))))[0]
    V = np.linalg.qr(rng.standard_normal((n, len(sigma))))[0]
    return U * sigma @ V.T


STORED = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
STORED += [torch.float8_e4m3fn, torch.float8_e5m2]


@pytest.mark.parametrize("dtype", STORED, ids=str)
@pytest.mark.parametrize("seed", range(25))
def test_brackets_hold_the_condition_number_of_what_is_stored(dtype, seed):
    kappa, m = 10.0 ** (12 * seed / 24), 2 + seed % 4
    A = with_spectrum(np.geomspace(1, 1 / kappa, m), m + seed % 7, seed)
    W = torch.tensor(A if seed % 2 else A.T.copy()).to(dtype)
    row = layer_table({"w.weight": W})[0]
    sigma = exact_singular_values(W.double().numpy())
    low, high = mpmath.mpf(row.kappa.lower), mpmath.mpf(row.kappa.upper)
    true = sigma[0] / sigma[-1] if sigma[-1] > mpmath.mpf(10) ** -40 else mpmath.inf
    assert low <= true <= high
    assert abs(row.sigma_max - float(sigma[0])) <= 64 * EPS * float(sigma[0])


@pytest.mark.parametrize("scaling", ["row", "column", "row-column"])
@pytest.mark.parametrize("tall", [True, False])
def test_brackets_after_scaling_hold_what_the_scaled_matrix_has(scaling, tall):
    rng = np.random.default_rng(3)
    A = rng.standard_normal((4, 9)) * np.geomspace(1, 50, 4)[:, None]
    A = A.T.copy() if tall else A
    row = layer_table({"w": torch.tensor(A)})[0]
    with mpmath.workdps(40):
        M = mpmath.matrix(A.tolist())
        for axis in {"row": [0], "column": [1], "row-column": [0, 1]}[scaling]:
            M = unit_lines(M, axis)
        S = mpmath.svd_r(M, compute_uv=False)
        true = S[0] / S[len(S) - 1]
        found = row.scaled[scaling]
        # The multipliers are rounded: the matrix scaled exactly by them is another.
        slack = 64 * EPS * true**2
        assert found.lower * (1 - slack) <= true <= found.upper * (1 + slack)


def unit_lines(M, axis):
    M = M.copy()
    for i in range(M.rows if axis == 0 else M.cols):
        line = M[i, :] if axis == 0 else M[:, i]
        size = mpmath.norm(line)
        for j in range(len(line)):
            place = (i, j) if axis == 0 else (j, i)
            M[place] = M[place] / size
    return M


def test_van_der_sluis_bracket_holds_every_row_scaling_tried():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((6, 20)) * np.geomspace(1, 1e3, 6)[:, None]
    row = layer_table({"w": torch.tensor(A)}, best=True)[0]
    assert row.best_rows.lower <= row.best.upper
    assert row.best.lower <= row.best_rows.upper
    for _ in range(200):
        D = np.exp(rng.standard_normal(6)) / np.linalg.norm(A, axis=1)
        assert np.linalg.cond(D[:, None] * A) >= row.best_rows.lower * (1 - 1e-12)


def test_gram_and_singular_values_agree_across_several_blocks():
    A = np.random.default_rng(1).standard_normal((7, 3 * BLOCK + 5))
    blocks = (A[:, j : j + BLOCK] for j in range(0, A.shape[1], BLOCK))
    found, direct = by_gram(squares(blocks, *A.shape)), cond_2(A)
    assert found.kappa.lower <= direct.upper
    assert direct.lower <= found.kappa.upper
    assert found.kappa.upper / found.kappa.lower < 1 + 1e-9


def test_gram_is_refused_where_rounding_would_blur_the_smallest():
    A = with_spectrum(np.array([1.0, 1e-7]), 40, 0)
    assert by_gram(squares([A], *A.shape)) is None
    row = layer_table({"w": torch.tensor(A)})[0]
    assert row.kappa.method != "gram"
    assert row.kappa.upper / row.kappa.lower < 1 + 1e-6


@pytest.mark.parametrize("unit", [2.0**-400, 2.0**400])
def test_kappa_ignores_the_unit_of_the_weights(unit):
    A = torch.tensor(np.random.default_rng(2).standard_normal((5, 8)))
    plain, other = (layer_table({"w": W})[0] for W in (A, unit * A))
    assert other.kappa.lower <= plain.kappa.upper
    assert plain.kappa.lower <= other.kappa.upper
    assert math.isclose(other.sigma_max, unit * plain.sigma_max, rel_tol=1e-12)


@pytest.mark.parametrize("tall", [True, False])
@pytest.mark.parametrize("unit", [1e-40, 1e-120, 1e-157, 1e-200, 1e-300])
def test_scaling_ignores_the_units_of_single_lines(unit, tall):
    A = np.random.default_rng(4).standard_normal((4, 7))
    for axis, scaling in ((0, "row"), (1, "column")):
        units = np.ones((A.shape[0], 1) if axis == 0 else (1, A.shape[1]))
        units.flat[1] = unit
        W = [torch.tensor(B.T.copy() if tall else B) for B in (A, units * A)]
        name = scaling if not tall else {"row": "column", "column": "row"}[scaling]
        plain, other = (layer_table({"w": B})[0] for B in W)
        kappa = plain.scaled[name].value
        assert other.scaled[name].value == pytest.approx(kappa, rel=1e-9)
        assert other.scaled[name].lower <= kappa * (1 + 1e-9)
        spread = {"row": other.row_spread, "column": other.column_spread}[name]
        lengths = np.linalg.norm(A, axis=1 - axis)
        lengths[1] *= unit
        assert spread == pytest.approx(lengths.max() / lengths.min())


def test_dead_rows_have_infinite_kappa_and_an_effective_one():
    W = torch.zeros(3, 4, dtype=torch.float64)
    W[0, 0], W[1, 1] = 4.0, 2.0
    row = layer_table({"w": W})[0]
    assert (row.kappa.value, row.rank, row.row_spread) == (math.inf, 2, math.inf)
    assert row.effective_kappa == pytest.approx(2)
    assert row.stable_rank == pytest.approx(1.25)


def test_zeros_have_rank_zero():
    row = layer_table({"w": torch.zeros(3, 4)})[0]
    assert (row.rank, row.stable_rank, row.kappa.value) == (0, 0.0, math.inf)


def test_gmcn_divides_by_the_mean_of_the_lowest_tenth():
    W = torch.diag(torch.arange(1.0, 21.0, dtype=torch.float64))
    assert layer_table({"w": W})[0].gmcn == pytest.approx(20 / 1.5)


def circulant(kernel, size):
    """Return the matrix of a convolution on a periodic image, column by column."""
    c_in, cells = kernel.shape[1], math.prod(size)
    columns = []
    for k in range(c_in * cells):
        image = torch.zeros(c_in * cells, dtype=torch.float64)
        image[k] = 1
        image = image.reshape(1, c_in, *size)
        out = torch.zeros(kernel.shape[0], *size, dtype=torch.float64)
        for place in np.ndindex(*kernel.shape[2:]):
            moved = torch.roll(
                image[0], [-p for p in place], dims=tuple(range(1, 1 + len(size)))
            )
            out += torch.tensordot(kernel[(..., *place)], moved, dims=1)
        columns.append(out.flatten())
    return torch.stack(columns, 1).numpy()


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((3, 2, 3, 3), (5, 4)),
        ((2, 4, 3), (7,)),
        ((2, 2, 5), (3,)),
        ((2, 2, 2, 2, 2), (3, 2, 2)),
    ],
    ids=str,
)
def test_operator_has_the_singular_values_of_the_circulant_matrix(shape, size):
    K = torch.tensor(np.random.default_rng(5).standard_normal(shape))
    table = layer_table({"conv.weight": K}, operator=size)
    row = next(row for row in table if row.kind == "operator")
    explicit = np.linalg.svd(circulant(K, size), compute_uv=False)
    np.testing.assert_allclose(row.sigma, explicit, atol=1e-13 * explicit[0])
    assert row.shape == (shape[0] * math.prod(size), shape[1] * math.prod(size))
    assert row.kappa.lower <= explicit[0] / explicit[-1] * (1 + 1e-12)


def kappas(table):
    return {row.name: row.kappa.value for row in table}


def test_heads_are_the_slices_cut_by_hand():
    attention = nn.MultiheadAttention(8, 2).double()
    found = kappas(layer_table(attention, heads=2))
    W = attention.in_proj_weight.detach().numpy()
    for i, part in enumerate("qkv"):
        block = W[8 * i : 8 * i + 8]
        assert found[f"in_proj_weight[{part}]"] == pytest.approx(np.linalg.cond(block))
        for head in range(2):
            cut = np.linalg.cond(block[4 * head : 4 * head + 4])
            assert found[f"in_proj_weight[{part}].head{head}"] == pytest.approx(cut)
    assert "out_proj.weight" in found
    assert "out_proj.weight.head0" not in found


NETWORKS = {
    "linear": lambda: nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)),
    "convolutions": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv1d(4, 5, 3)),
    "lstm": lambda: nn.LSTM(5, 4, 2, bidirectional=True),
    "projected lstm": lambda: nn.LSTM(5, 6, proj_size=3),
    "gru": lambda: nn.GRU(5, 4),
    "rnn": lambda: nn.RNN(5, 4),
    "attention": lambda: nn.MultiheadAttention(8, 2),
    "transformer": lambda: nn.TransformerEncoderLayer(8, 2, 16),
    "embedding": lambda: nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9)),
}


@pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)
def test_a_module_and_its_state_dict_have_the_same_table(make):
    net = make()
    assert kappas(layer_table(net)) == kappas(layer_table(net.state_dict()))


def test_a_module_shows_the_weights_that_its_layers_multiply_with():
    net = condition(nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3)).double(), "row")
    for row in layer_table(net):
        W = effective_weights(net)[row.name.removesuffix(".weight")]
        assert row.kappa.value == pytest.approx(float(torch.linalg.cond(W)))
        assert row.row_spread == pytest.approx(1)


def test_groups_and_experts_are_matrices_of_their_own():
    grouped = layer_table(nn.Conv2d(4, 6, 3, groups=2))
    assert [row.shape for row in grouped] == [(3, 18), (3, 18)]
    experts = layer_table({"mlp.experts.gate_up_proj": torch.randn(3, 8, 4)})
    assert [row.shape for row in experts] == [(8, 4)] * 3


def test_depthwise_kernels_are_seen_as_in_a_file():
    for make in (nn.Conv2d, nn.ConvTranspose2d):
        net = make(6, 6, 3, groups=6)
        assert [row.shape for row in layer_table(net)] == [(6, 9)]
        assert kappas(layer_table(net)) == kappas(layer_table(net.state_dict()))


def test_gpt2_stores_queries_keys_and_values_side_by_side():
    W = torch.randn(4, 12, dtype=torch.float64)
    table = layer_table({"h.0.attn.c_attn.weight": W, "h.0.mlp.c_fc.weight": W[:, :6]})
    shapes = {row.name.rpartition("weight")[2]: row.shape for row in table}
    assert shapes == {"[q]": (4, 4), "[k]": (4, 4), "[v]": (4, 4), "": (6, 4)}
    assert table[1].kappa.value == pytest.approx(float(torch.linalg.cond(W[:, 4:8])))


def test_weight_norm_is_measured_as_it_multiplies():
    net = nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 4, 3, groups=2), dim=2)
    W = net.weight.detach().double()
    found = [row.kappa.value for row in layer_table(net)]
    true = [float(torch.linalg.cond(W[2 * i : 2 * i + 2].flatten(1))) for i in (0, 1)]
    assert found == pytest.approx(true)


def test_tied_weights_have_one_row():
    net = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9, bias=False))
    net[1].weight = net[0].weight
    for given in (net, net.state_dict()):
        table = layer_table(given)
        assert [row.name for row in table] == ["0.weight"]
        assert table.left_out == {"1.weight": "is tied to 0.weight"}


BAD = {
    "nan": (torch.tensor([[1.0, math.nan], [0.0, 1.0]]), "holds nan at (0, 1)"),
    "inf": (torch.tensor([[1.0, 0.0], [-math.inf, 1.0]]), "holds -inf at (1, 0)"),
    "integers": (torch.ones(2, 2, dtype=torch.int8), "holds int8"),
    "booleans": (torch.ones(2, 2, dtype=torch.bool), "holds bool"),
    "meta": (torch.empty(2, 2, device="meta"), "meta device"),
    "sparse": (torch.eye(2).to_sparse(), "is sparse"),
    "empty": (torch.empty(0, 3), "has no entries"),
    "a row": (torch.ones(1, 3), "single row"),
}


@pytest.mark.parametrize(("W", "why"), BAD.values(), ids=BAD)
def test_what_cannot_be_measured_is_left_out_with_its_reason(W, why):
    table = layer_table({"good": torch.eye(2), "bad": W})
    assert [row.name for row in table] == ["good"]
    assert why in table.left_out["bad"]
    with pytest.raises(ValueError, match="no weight matrix can be measured: bad"):
        layer_table({"bad": W})


def test_globs_that_match_nothing_say_what_there_is():
    with pytest.raises(ValueError, match=r"no tensor is called x\.\*; there are w"):
        layer_table({"w": torch.eye(2)}, layers="x.*")


def test_networks_without_matrices_are_refused():
    with pytest.raises(ValueError, match="there is no matrix"):
        layer_table(nn.BatchNorm1d(4))
    with pytest.raises(TypeError, match="a torch module or a state dict"):
        layer_table([torch.eye(2)])


def test_summary_counts_layers_that_row_scaling_certainly_helps():
    A = torch.diag(torch.tensor([1.0, 100.0], dtype=torch.float64))
    table = layer_table({"a": A, "b": torch.eye(2, dtype=torch.float64)})
    assert table.helped("row")[:3] == (1, 0, 2)
    assert "row scaling lowers kappa in 1 of 2" in str(table)
    assert "<td>a</td>" in table._repr_html_()
