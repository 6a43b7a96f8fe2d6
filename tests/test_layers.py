"""Imports point downwards only, and importing condlab stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "condlab"
LAYERS = [  # from the top; a module may import what stands below it
    ["__main__"],
    ["cli"],
    ["report", "audit"],
    ["plots"],
    ["theory"],
    ["curvature"],
    ["nn", "spectra"],
    ["__init__"],
    ["diagnosis"],
    ["comparison"],
    ["optimal"],
    ["bounds"],
    ["_bauer"],
    ["scaling", "condition", "collection"],
    ["equilibration"],
    ["norms", "lanczos", "gallery", "io", "_rank", "_scaling_rows", "inputs"],
    ["types"],
    ["_systems"],
    ["_scaled"],
    ["_arrays"],
    ["_entries"],
    ["display"],
    ["errors", "_levels", "machine"],
    ["_typing"],
]
RANK = {name: -i for i, layer in enumerate(LAYERS) for name in layer}
FILES = sorted(PACKAGE.rglob("*.py"))


def room(path):
    """Return the part of the package that a file is in: its first path component."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imported_rooms(path):
    """Return the parts of condlab that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
            names.add(node.module)
    inside = [name.split(".") for name in names if name.split(".")[0] == "condlab"]
    return {parts[1] for parts in inside if len(parts) > 1 and parts[1] in RANK}


def test_every_file_has_a_layer():
    assert {room(path) for path in FILES} <= set(RANK)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_downwards_only(path):
    own = room(path)
    upward = {name for name in imported_rooms(path) if RANK[name] >= RANK[own]}
    assert upward - {own} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_condlab_never_imports_studies(path):
    assert "studies" not in {
        (node.module or "").split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
    }


def fresh(code):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_importing_condlab_loads_nothing_heavy():
    heavy = "{'torch', 'hypothesis', 'matplotlib', 'flint', 'scipy.optimize'}"
    code = f"import condlab, sys; print(sorted({heavy} & set(sys.modules)))"
    assert fresh(code) == "[]"


def test_importing_condlab_loads_no_more_of_scipy_than_matrices_need():
    code = (
        "import sys, numpy, scipy.sparse, scipy.linalg; base = set(sys.modules);"
        "import condlab; more = set(sys.modules) - base;"
        "print(sorted(n for n in more if n.startswith(('scipy', 'condlab.optimal'))))"
    )
    assert fresh(code) == "[]"


def test_importing_condlab_loads_nothing_that_only_tables_and_comparisons_need():
    waiting = "{'html', 'decimal', 'condlab.bounds', 'condlab.comparison'}"
    code = (
        "import sys, numpy, scipy.sparse, scipy.linalg; base = set(sys.modules);"
        "import condlab; more = set(sys.modules) - base;"
        f"print(sorted({waiting} & more))"
    )
    assert fresh(code) == "[]"


def test_optimal_scaling_is_loaded_on_first_use():
    code = (
        "import condlab; from condlab import OptimalScaling, optimal_scaling;"
        "print(condlab.optimal.optimal_scaling is condlab.optimal_scaling,"
        "OptimalScaling is condlab.OptimalScaling)"
    )
    assert fresh(code) == "True True"


def test_every_public_name_is_found_in_a_fresh_process():
    code = (
        "import condlab; missing = [n for n in condlab.__all__ if not hasattr("
        "condlab, n)]; from condlab import SCALINGS, ScalingRow, van_der_sluis;"
        "print(missing, condlab.bounds.bauer is condlab.bauer,"
        "condlab.comparison.SCALINGS is SCALINGS)"
    )
    assert fresh(code) == "[] True True"


def test_rooms_are_loaded_on_first_use():
    pytest.importorskip("flint")
    code = "import condlab; print(condlab.theory.CATALOGUE['wc-thm5.1-rows'].key)"
    assert fresh(code) == "wc-thm5.1-rows"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_condlab_knows_no_path_and_draws_no_figure_of_studies(path):
    text = path.read_text()
    assert "studies/" not in text
    if room(path) in ("report", "plots", "cli"):
        assert "studies" not in text
