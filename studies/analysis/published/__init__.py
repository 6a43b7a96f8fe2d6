"""The sources' tables and figures, row by row: what stands for each of them here."""

from studies.analysis.published.items import rows_of, table
from studies.analysis.published.rows import ITEMS

__all__ = ["ITEMS", "rows_of", "table"]
