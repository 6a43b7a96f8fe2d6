"""The names that outside code relies on, as data."""

import importlib
import inspect

import pytest

import condlab

NAMES = {
    "condlab": {
        "Bracket",
        "ConditionEstimate",
        "MatrixFileError",
        "MissingExtraError",
        "NotPositiveDefiniteError",
        "OptimalScaling",
        "Scaling",
        "SingularMatrixError",
        "bauer",
        "column_norms",
        "column_scaling",
        "cond_1",
        "cond_2",
        "cond_fro",
        "cond_inf",
        "cond_skeel",
        "estimate_cond_1",
        "estimate_cond_2",
        "jacobi_scaling",
        "optimal_scaling",
        "row_column_scaling",
        "row_norms",
        "row_scaling",
        "ruiz_scaling",
        "van_der_sluis",
    },
    "condlab.curvature": {
        "Band",
        "Comparison",
        "CurvatureOperator",
        "DataParallel",
        "DiagonalEstimate",
        "EXAMPLES",
        "Eigenpairs",
        "Estimate",
        "HessianCondition",
        "HessianOperator",
        "Inertia",
        "Invariance",
        "ModelLoss",
        "NotAStackError",
        "NullSpace",
        "ProbableExtremes",
        "Progress",
        "SpectralDensity",
        "Spectrum",
        "SphereOperator",
        "assemble",
        "assemble_stack",
        "attention",
        "bias_shift",
        "compare",
        "condition",
        "density",
        "diagonal",
        "empirical_fisher",
        "example",
        "find_invariances",
        "frobenius_norm",
        "gauss_newton",
        "gauss_newton_condition",
        "hold_lengths",
        "line_numbers",
        "make_loss",
        "normalised_lines",
        "null_space",
        "output_shift",
        "relu_rescaling",
        "residual",
        "row_scale",
        "spectrum",
        "sphere",
        "trace",
        "verify",
    },
    "condlab.nn": {
        "AdaptiveInstanceNorm",
        "AdaptiveLayerNorm",
        "AssocNorm",
        "BatchChannelNorm",
        "BatchGroupNorm",
        "BatchRenorm",
        "ChannelLayerNorm",
        "Conditioning",
        "Description",
        "DivisiveNorm",
        "FixNorm",
        "GlobalResponseNorm",
        "GradNorm",
        "GradientShares",
        "GroupRMSNorm",
        "LearnedScale",
        "LocalContrastNorm",
        "LocalResponseNorm",
        "NORMS",
        "PRESETS",
        "QKNorm",
        "ScaleNorm",
        "SphereAttention",
        "SphereBlock",
        "SphereEmbedding",
        "SphereHead",
        "SphereLinear",
        "SphereMLP",
        "SwitchableNorm",
        "WEIGHT_METHODS",
        "Weight",
        "WhiteningNorm",
        "added_share",
        "centralise_gradients_",
        "condition",
        "decay_groups",
        "describe",
        "effective_weights",
        "fold",
        "gradient_shares",
        "layouts",
        "make_norm",
        "normalise_gradient",
        "normalise_gradients_",
        "normalise_weights",
        "renormalise_",
        "renormalise_after",
        "uncondition",
    },
    "condlab.theory": {
        "CATALOGUE",
        "Margin",
        "Reference",
        "Theorem",
        "Verdict",
        "strategies",
        "theorem",
        "verify",
    },
}
OPTIONS = {
    "row_scaling": {"p": 2, "rounding": None, "strict": False},
    "column_scaling": {"p": 2, "rounding": None, "strict": False},
    "row_column_scaling": {"p": 2, "rounding": None, "strict": False},
    "ruiz_scaling": {"p": "inf"},
    "jacobi_scaling": {"symmetric": True},
    "van_der_sluis": {"side": "left", "p": 2},
    "optimal_scaling": {"side": "left", "p": 2, "time_limit": None},
}


@pytest.mark.parametrize("module", NAMES)
def test_public_names_are_exactly_these(module):
    assert set(importlib.import_module(module).__all__) == NAMES[module]


@pytest.mark.parametrize("name", sorted(NAMES["condlab"]))
def test_public_functions_take_the_matrix_first_and_options_by_keyword(name):
    thing = getattr(condlab, name)
    assert inspect.getdoc(thing)
    if not inspect.isfunction(thing):
        return
    first, *rest = inspect.signature(thing).parameters.values()
    assert first.name == "A"
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in rest)
    defaults = {parameter.name: parameter.default for parameter in rest}
    assert OPTIONS.get(name, {}).items() <= defaults.items()


def test_unknown_attributes_are_refused_in_the_usual_words():
    with pytest.raises(AttributeError, match="has no attribute 'balance'"):
        _ = condlab.balance
    assert {"theory", "cond_2"} <= set(dir(condlab))
