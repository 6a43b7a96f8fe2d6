"""Figures of what condlab returns: functions that take and return matplotlib Axes.

Examples
--------
>>> from matplotlib.figure import Figure
>>> import condlab
>>> rows = condlab.compare_scalings([[1.0, 2.0], [300.0, 100.0]])
>>> axes = condlab.plots.scalings({"mine": rows}, Figure().subplots())
>>> axes.get_xlabel()
'condition number κ₂ (no unit, log scale)'
"""

from __future__ import annotations

try:
    import matplotlib  # noqa: F401
except ModuleNotFoundError as error:  # pragma: no cover
    from condlab.errors import missing_extra

    raise missing_extra("matplotlib", "figures", "a figure") from error

from condlab.plots.scalings import scalings
from condlab.plots.spectra import brackets, density, spectrum
from condlab.plots.tightness import tightness

__all__ = ["brackets", "density", "scalings", "spectrum", "tightness"]
