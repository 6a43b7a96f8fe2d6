"""Losses of torch modules: their Hessians, diagonals and top eigenvalues."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from condlab.audit.catalogue.eigenvalues import rotated, spectra
from condlab.audit.catalogue.formulas import JETS
from condlab.audit.catalogue.model_loss import ModelLoss
from condlab.audit.catalogue.modules import LAYERS, Jets, quadratic
from condlab.audit.jets import Jet, variables
from condlab.audit.model import Problem


def _point(make: Callable[[], ModelLoss]) -> list[Fraction]:
    values = [p.detach().flatten().tolist() for p in make().module.parameters()]
    return [Fraction(x) for part in values for x in part]


def _truth(make: Callable[[], ModelLoss], jet: Callable[[Jets], Jet]) -> np.ndarray:
    return jet(variables(_point(make))).matrix()


def _top(H: np.ndarray) -> float:
    values = np.linalg.eigvalsh(H)
    return float(max(values, key=abs))


def _layer(
    name: str,
    make: Callable[[], ModelLoss],
    jet: Callable[[Jets], Jet],
    source: str,
) -> list[Problem]:
    return [
        Problem("hessian_layer", name, make, lambda: _truth(make, jet), JETS, source),
        Problem(
            "hessian_diag",
            name,
            make,
            lambda: np.diag(_truth(make, jet)).copy(),
            JETS,
            source,
        ),
        Problem(
            "hessian_top",
            name,
            make,
            lambda: _top(_truth(make, jet)),
            f"{JETS}, and LAPACK's eigenvalues of that matrix",
            source,
            scale=10.0,
        ),
    ]


def _form(name: str, spectrum: list[float], source: str) -> Problem:
    return Problem(
        "hessian_top",
        name,
        lambda: quadratic(rotated(spectrum)),
        lambda: max(spectrum, key=abs),
        "a quadratic form: the spectrum is put in",
        source,
        scale=max(map(abs, spectrum)),
    )


PROBLEMS: tuple[Problem, ...] = (
    *(problem for layer in LAYERS for problem in _layer(*layer)),
    *(
        _form(name, values, source)
        for name, (values, source) in spectra().items()
        if name != "huge"
    ),
)
