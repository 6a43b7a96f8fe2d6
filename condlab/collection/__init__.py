"""Matrices from practice that need no download: data sets, elements, graphs, plants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import scipy.sparse as sp

from condlab.collection import _applications, _elements, _graphs
from condlab.errors import missing_extra
from condlab.gallery import wathen
from condlab.io import read_matrix

__all__ = ["COLLECTION", "CollectionMatrix"]


def __dir__() -> list[str]:
    """List the public names."""
    return __all__


@dataclass(frozen=True, slots=True)
class CollectionMatrix:
    """A matrix from practice and where it is from.

    Parameters
    ----------
    name : str
        How the matrix is asked for.
    description : str
        What it is, with its shape.
    source : str
        Where the data or the construction come from.
    load : callable
        load() gives the matrix, always the same; it raises MissingExtraError where
        the data ship with a package that is not installed.

    Examples
    --------
    >>> COLLECTION["beam"].load().shape
    (80, 80)
    """

    name: str
    description: str
    source: str
    load: Callable[[], np.ndarray | sp.csr_array]


def _data_set(name: str, **options: bool) -> np.ndarray:
    """Return the measurements of a data set that ships with scikit-learn, raw."""
    try:
        from sklearn import datasets
    except ImportError:
        raise missing_extra("scikit-learn", "studies", f"the data set {name}") from None
    load = getattr(datasets, f"load_{name}")
    return np.asarray(load(return_X_y=True, **options)[0], dtype=np.float64)


def _wine() -> np.ndarray:
    return np.asarray(read_matrix(Path(__file__).with_name("wine.csv")))


def _stiffness() -> sp.csr_array:
    return _elements.stiffness_and_mass(21)[0]


def _mass() -> sp.csr_array:
    return _elements.stiffness_and_mass(21)[1]


def _karate() -> sp.csr_array:
    edges = _graphs.karate_edges()
    return _graphs.regularised_laplacian(edges, np.ones(len(edges)), shift=1e-3)


def _sensors() -> sp.csr_array:
    edges, weights = _graphs.random_geometric(
        200, radius=0.15, rng=np.random.default_rng(0)
    )
    return _graphs.regularised_laplacian(edges, weights, shift=1.0)


def _keyed(*entries: CollectionMatrix) -> MappingProxyType[str, CollectionMatrix]:
    collection = {entry.name: entry for entry in entries}
    if len(collection) < len(entries):
        raise ValueError("two matrices of the collection have the same name")
    return MappingProxyType(collection)


COLLECTION = _keyed(
    CollectionMatrix(
        "breast-cancer",
        "30 measurements of 569 cell nuclei, raw units (569 x 30)",
        "W. N. Street, W. H. Wolberg and O. L. Mangasarian 1993, by scikit-learn",
        lambda: _data_set("breast_cancer"),
    ),
    CollectionMatrix(
        "wine",
        "13 chemical analyses of 178 wines, raw units (178 x 13)",
        "S. Aeberhard and M. Forina 1992, UCI repository, CC BY 4.0",
        _wine,
    ),
    CollectionMatrix(
        "diabetes",
        "10 measurements of 442 patients, raw units (442 x 10)",
        "B. Efron, T. Hastie, I. Johnstone and R. Tibshirani 2004, by scikit-learn",
        lambda: _data_set("diabetes", scaled=False),
    ),
    CollectionMatrix(
        "digits",
        "64 pixels of 1797 digits, 3 always blank: rank 61 (1797 x 64)",
        "E. Alpaydin and C. Kaynak 1998, by scikit-learn",
        lambda: _data_set("digits"),
    ),
    CollectionMatrix(
        "stiffness",
        "linear elements, graded mesh, coefficient jumps by 1e4 (400 x 400)",
        "G. Strang and G. J. Fix 1973",
        _stiffness,
    ),
    CollectionMatrix(
        "mass",
        "mass matrix on the same graded mesh (400 x 400)",
        "G. Strang and G. J. Fix 1973",
        _mass,
    ),
    CollectionMatrix(
        "wathen",
        "mass matrix of 144 serendipity elements, random density (481 x 481)",
        "A. J. Wathen 1987",
        lambda: wathen(12, 12, rng=np.random.default_rng(0)),
    ),
    CollectionMatrix(
        "beam",
        "cantilever of 40 Hermite elements, deflections and rotations (80 x 80)",
        "O. C. Zienkiewicz 1977",
        lambda: _elements.cantilever(40),
    ),
    CollectionMatrix(
        "convection-diffusion",
        "upwind finite volumes on a layer-adapted mesh (576 x 576)",
        "H.-G. Roos, M. Stynes and L. Tobiska 2008",
        lambda: _elements.convection_diffusion(24),
    ),
    CollectionMatrix(
        "karate",
        "graph Laplacian of a karate club plus 1e-3 I (34 x 34)",
        "W. W. Zachary 1977",
        _karate,
    ),
    CollectionMatrix(
        "sensors",
        "Laplacian of a random geometric graph, weights 1/d^2, plus I (200 x 200)",
        "M. Penrose 2003",
        _sensors,
    ),
    CollectionMatrix(
        "resistors",
        "grounded incidence matrix of a grid, conductances over 1e6 (420 x 224)",
        "G. Strang 1986",
        lambda: _graphs.resistor_network(15, rng=np.random.default_rng(0)),
    ),
    CollectionMatrix(
        "monomials",
        "powers up to 15 at 100 Chebyshev points (100 x 16)",
        "W. Gautschi 1975",
        lambda: _applications.monomial_basis(100, 15),
    ),
    CollectionMatrix(
        "legendre",
        "Legendre polynomials up to 23 at 100 equispaced points (100 x 24)",
        "W. Gautschi 2004",
        lambda: _applications.legendre_basis(100, 23),
    ),
    CollectionMatrix(
        "tanks",
        "Newton matrix of 50 stirred tanks, moles and kelvins (100 x 100)",
        "O. Levenspiel 1999",
        lambda: _applications.tank_newton_matrix(50),
    ),
    CollectionMatrix(
        "production-plan",
        "staircase constraints, kilograms, tonnes, persons (72 x 120)",
        "G. B. Dantzig 1963",
        lambda: _applications.production_plan(24),
    ),
)
