"""The names that outside code relies on, as data."""

import importlib
import inspect
import subprocess
import sys

import pytest

import condlab

NAMES = {
    "condlab": {
        "Bracket",
        "ConditionEstimate",
        "ConditionEstimates",
        "Advice",
        "Culprit",
        "Attempt",
        "Diagnosis",
        "InputNormalisation",
        "diagnose",
        "SCALINGS",
        "ScalingComparison",
        "ScalingRow",
        "compare_scalings",
        "cond",
        "MatrixFileError",
        "MissingExtraError",
        "NotPositiveDefiniteError",
        "OptimalScaling",
        "ScaledSystem",
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
        "normalise_inputs",
        "optimal_scaling",
        "row_column_scaling",
        "row_norms",
        "row_scaling",
        "ruiz_scaling",
        "van_der_sluis",
    },
    "condlab.curvature": {
        "Comparison",
        "CurvatureOperator",
        "DataParallel",
        "EXAMPLES",
        "Examination",
        "examine",
        "HessianCondition",
        "HessianOperator",
        "Inertia",
        "Invariance",
        "ModelLoss",
        "NotAStackError",
        "NullSpace",
        "SphereOperator",
        "assemble_stack",
        "attention",
        "bias_shift",
        "compare",
        "condition_number",
        "empirical_fisher",
        "example",
        "find_invariances",
        "gauss_newton",
        "gauss_newton_condition",
        "hold_lengths",
        "jacobian",
        "line_numbers",
        "make_loss",
        "monte_carlo_fisher",
        "normalised_lines",
        "null_space",
        "output_shift",
        "relu_rescaling",
        "residual",
        "row_scale",
        "sphere",
        "submatrix",
        "tangent_kernel",
        "require_invariant",
    },
    "condlab.spectra": {
        "Band",
        "DiagonalEstimate",
        "Eigenpairs",
        "Estimate",
        "LinearMap",
        "ProbableExtremes",
        "Progress",
        "Solution",
        "SpectralDensity",
        "Spectrum",
        "assemble",
        "density",
        "diagonal",
        "frobenius_norm",
        "solve",
        "spectrum",
        "trace",
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
        "ContrastResponseNorm",
        "Description",
        "DivisiveNorm",
        "FixNorm",
        "GlobalResponseNorm",
        "Layout",
        "load_checkpoint",
        "refresh_scalings",
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
        "normalise_inputs",
        "normalise_weights",
        "LayerRow",
        "LayerTable",
        "Monitor",
        "layer_table",
        "open_state",
        "renormalise_",
        "renormalise_after",
        "uncondition",
    },
    "condlab.audit": {
        "AdapterError",
        "Answer",
        "Audit",
        "Judgement",
        "KINDS",
        "Problem",
        "Promise",
        "SUBJECTS",
        "Subject",
        "VERDICTS",
        "audit",
        "cases",
        "problems",
        "record",
        "run",
    },
    "condlab.theory": {
        "CATALOGUE",
        "Margin",
        "Reference",
        "Theorem",
        "Verdict",
        "Verdicts",
        "claim",
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


NUMPYS = ("cond", "compare_scalings")  # p comes second, as in numpy.linalg.cond


@pytest.mark.parametrize("module", NAMES)
def test_public_names_are_exactly_these(module):
    needs = {"theory": "flint", "nn": "torch", "spectra": "torch", "curvature": "torch"}
    pytest.importorskip(needs.get(module.removeprefix("condlab."), "condlab"))
    assert set(importlib.import_module(module).__all__) == NAMES[module]


@pytest.mark.parametrize("name", sorted(NAMES["condlab"]))
def test_public_functions_take_the_matrix_first_and_options_by_keyword(name):
    thing = getattr(condlab, name)
    if not inspect.isfunction(thing):
        return
    assert inspect.getdoc(thing)
    first, *rest = inspect.signature(thing).parameters.values()
    assert first.name == "A"
    options = rest[1:] if name in NUMPYS else rest
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in options)
    defaults = {parameter.name: parameter.default for parameter in rest}
    assert OPTIONS.get(name, {}).items() <= defaults.items()


def test_unknown_attributes_are_refused_in_the_usual_words():
    pytest.importorskip("torch")
    with pytest.raises(AttributeError, match="has no attribute 'balance'"):
        _ = condlab.balance
    assert {"theory", "cond_2"} <= set(dir(condlab))


def base_install(code):
    """Run code in a fresh process that has none of the optional packages."""
    hidden = "torch hypothesis flint matplotlib latex2mathml sklearn pooch joblib"
    hide = f"import sys; sys.modules.update(dict.fromkeys({hidden.split()!r}));"
    command = [sys.executable, "-W", "error", "-c", hide + code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_base_install_can_be_looked_at():
    code = (
        "import condlab, inspect, pydoc; print(len(pydoc.render_doc(condlab)) > 999,"
        "len(inspect.getmembers(condlab)) >= len(condlab.__all__),"
        "[hasattr(condlab, name) for name in ('nn', 'theory', 'report', 'io')])"
    )
    assert base_install(code) == "True True [False, False, False, True]\n"


def test_base_install_lists_what_can_be_loaded():
    code = "import condlab; print([getattr(condlab, n) and n for n in dir(condlab)])"
    listed = base_install(code)
    assert "'gallery'" in listed
    assert "'io'" in listed
    assert "'nn'" not in listed
    assert "'theory'" not in listed


@pytest.mark.parametrize("room", ["nn", "theory", "report", "curvature", "spectra"])
def test_base_install_says_which_extra_a_room_needs(room):
    code = (
        f"import condlab\ntry: condlab.{room}\n"
        "except AttributeError as e: print(e)\n"
        f"try: import condlab.{room}\nexcept condlab.MissingExtraError as e: print(e)\n"
    )
    said = base_install("\n" + code).splitlines()
    assert len(said) == 2
    assert said[0] == said[1]
    assert "pip install 'condlab[" in said[0]


def test_base_install_runs_the_first_example_of_the_readme():
    code = "from condlab.cli import main; main(['scale', 'builtin:wine'])"
    assert "50.21 .. 50.22" in base_install(code)


def test_listed_rooms_are_there_with_all_extras():
    for package in ("torch", "flint", "matplotlib"):
        pytest.importorskip(package)
    rooms = {
        "collection",
        "curvature",
        "gallery",
        "io",
        "nn",
        "report",
        "spectra",
        "theory",
    }
    assert rooms <= set(dir(condlab))
    assert all(inspect.ismodule(getattr(condlab, name)) for name in rooms)
