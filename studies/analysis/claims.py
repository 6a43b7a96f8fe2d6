"""What the sources claim of training, as questions to the records."""

from __future__ import annotations

from studies.analysis import claims_survey
from studies.analysis.contrasts import Contrast
from studies.analysis.entries import Claim

# Arms that share a part of what E does, but not its effect on every kappa.
CONTROLS = (
    "E_first", "E_last", "E_hidden", "E_gain", "init_E", "init_E_all", "glorot",
    "spectral", "orthogonal", "WN",
)  # fmt: skip


# What a contradicted claim is shown beside: E where it can only act as a scale.
BESIDE = ("E_gain", "E_hidden")


EQUILIBRATION, STANDARDIZATION = "equilibration", "weight standardization"


def _claim(
    key: str,
    text: str,
    study: str = "",
    arm: str = "",
    than: str = "",
    kind: str = "",
    rate: float | None = None,
    method: str = EQUILIBRATION,
) -> Claim:
    """Return a claim; `kind` is that of the networks, where a study has several.

    `rate` is the learning rate of the source, where it names one that was tried, and
    `method` what the claim is about.
    """
    return {
        "key": key,
        "claim": text,
        "study": study,
        "kind": kind,
        "arm": arm,
        "than": than,
        "rate": rate,
        "method": method,
    }


def _standardized(key: str, text: str, arm: str, than: str) -> Claim:
    study, key = "weight_standardization", f"standardization-{key}"
    return _claim(key, text, study, arm, than, rate=0.1, method=STANDARDIZATION)


# Of Qiao, Wang, Liu, Shen and Yuille (2019): table 2, and figure 4 for the halves.
STANDARDIZED = (
    *(
        _standardized(
            f"table-2-{norm.lower()}",
            f"{words}: standardized weights train faster than plain ones",
            f"{norm}+WS", norm,
        )
        for norm, words in (
            ("GN", "Group norm"), ("LN", "Layer norm"), ("IN", "Instance norm"),
            ("BN", "Batch norm"),
        )
    ),
    _standardized(
        "table-2-wn", "Group norm: weight standardization trains faster than weight "
        "normalisation", "GN+WS", "GN+WN",
    ),
    _standardized(
        "table-2-af", "Group norm: weight standardization trains faster without a gain "
        "and a shift", "GN+WS", "GN+AF",
    ),
    _standardized(
        "figure-4-mo", "Group norm: centring the weights alone trains faster than "
        "plain ones", "GN+MO", "GN",
    ),
    _standardized(
        "figure-4-do", "Group norm: dividing the weights by their deviation alone "
        "trains faster than plain ones", "GN+DO", "GN",
    ),
    _standardized(
        "figure-4-halves", "Group norm: centring the weights trains faster than "
        "dividing them", "GN+MO", "GN+DO",
    ),
)  # fmt: skip

# The others are of Saratchandran, Wang and Lucey (2024); `arm` is said to be faster
# than `than`.
CLAIMS = (
    _claim(
        "figure-1-left",
        "At high learning rates E trains faster than batch norm alone",
        "high_learning_rate", "E", "plain", rate=2.0,
    ),
    _claim(
        "figure-1-left-ws",
        "At high learning rates E trains faster than weight standardization",
        "high_learning_rate", "E", "WS", rate=2.0,
    ),
    _claim(
        "table-1",
        "Inception: E trains faster than batch norm alone",
        "inception", "E", "plain",
    ),
    _claim(
        "table-1-ws",
        "Inception: E trains faster than weight standardization",
        "inception", "E", "WS",
    ),
    _claim(
        "table-1-w",
        "Inception: E trains faster than weight normalisation",
        "inception", "E", "WN",
    ),
    *(
        _claim(key, f"DenseNet: E trains faster than {than}", "densenet", "E", arm)
        for key, than, arm in (
            ("table-2", "batch norm alone", "plain"),
            ("table-2-ws", "weight standardization", "WS"),
            ("table-2-w", "weight normalisation", "WN"),
        )
    ),
    _claim(
        "table-3",
        "ViT: E trains faster than layer norm alone",
        "vit", "LN+E", "LN",
    ),
    _claim(
        "table-3-all",
        "ViT: E in every layer, embedding and head too, trains faster than layer norm",
        "vit", "E_all", "LN",
    ),
    _claim(
        "table-3-w",
        "ViT: E trains faster than weight normalisation",
        "vit", "LN+E", "LN+W",
    ),
    _claim(
        "table-4", "NeRF: E trains faster than plain weights", "nerf", "E_all", "plain"
    ),
    _claim(
        "supplement-3d", "3D shapes, ReLU: E trains faster than plain weights",
        "shapes", "E_all", "plain", "relu",
    ),
    _claim(
        "supplement-3d-gaussian",
        "3D shapes, Gaussians: E trains faster than plain weights",
        "shapes", "E_all", "plain", "gaussian",
    ),
    _claim(
        "supplement-3d-sine", "3D shapes, sines: E trains faster than plain weights",
        "shapes", "E_all", "plain", "sine",
    ),
    _claim(
        "theory",
        "Small networks: E trains faster than plain weights",
        "small_networks", "E", "plain",
    ),
    *STANDARDIZED,
    *claims_survey.CLAIMS,
    _claim(
        "control",
        "Quadratics: Jacobi scaling makes gradient descent faster (positive control)",
        "quadratics", "jacobi", "plain",
    ),
    _claim("table-3-imagenet", "ViT-B on ImageNet: E reaches the best accuracy"),
)  # fmt: skip

# Claims of other numbers than steps to a loss.
CONTRASTS: tuple[Contrast, ...] = (*claims_survey.CONTRASTS,)
