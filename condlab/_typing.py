"""Names of types that several modules share.

NumPy arrays, SciPy sparse containers and tensors have no class in common, and what a
file of JSON holds only its reader knows: the two names for these are all that a type
checker cannot look into.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import scipy.sparse as sp

Array: TypeAlias = Any  # a NumPy array, a SciPy sparse array or a torch tensor
Sparse: TypeAlias = sp.sparray | sp.spmatrix
Norm: TypeAlias = Literal[1, 2, "inf"]  # of vectors and lines
MatrixNorm: TypeAlias = Literal[1, 2, "inf", "fro"]
ConditionNorm: TypeAlias = MatrixNorm | Literal["skeel"]
Json: TypeAlias = (  # what json.dumps takes
    "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
)
Record: TypeAlias = dict[str, Any]  # a JSON object whose keys differ from case to case
