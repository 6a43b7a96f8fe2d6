"""Records as numbers, as text and in a notebook."""

import math
import pickle

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from condlab import Bracket, ConditionEstimate, cond_2, estimate_cond_2

KNOWN = ConditionEstimate(2.5, 2.4, 2.6, p=2, method="svd")
AT_LEAST = ConditionEstimate(308.25, 308.25, math.inf, p=2, method="products <only>")
SINGULAR = ConditionEstimate(math.inf, 1e15, math.inf, p=1, method="lu")


def test_a_condition_number_counts_as_its_value():
    assert float(KNOWN) == 2.5
    assert math.log2(float(ConditionEstimate(8.0, 7.0, 9.0, 2, "svd"))) == 3
    assert math.isinf(SINGULAR)


@pytest.mark.parametrize(
    ("number", "spec", "text"),
    [
        (KNOWN, ".2f", "2.50"),
        (KNOWN, "8.2e", "2.50e+00"),
        (AT_LEAST, ".3g", ">= 308"),
        (AT_LEAST, "12.1f", ">= 308.2"),
        (SINGULAR, ".3g", "inf"),
        (KNOWN, "", "2.5, certainly in [2.4, 2.6] (svd)"),
        (AT_LEAST, "", ">= 308.25, certainly in [308.25, inf] (products <only>)"),
        (Bracket(1.0, 1 / 3), ".2f", "[1.00, 0.33]"),
        (Bracket(1.0, math.inf), "", "[1, inf]"),
    ],
)
def test_format_writes_at_least_where_nothing_more_is_known(number, spec, text):
    assert format(number, spec) == text
    assert spec or str(number) == text


def test_only_a_value_that_is_the_lower_end_is_a_lower_bound():
    assert AT_LEAST.is_lower_bound
    assert not KNOWN.is_lower_bound
    assert not SINGULAR.is_lower_bound
    assert not cond_2(np.eye(3)).is_lower_bound
    operator = aslinearoperator(np.diag(np.geomspace(1, 1e4, 400)))
    found = estimate_cond_2(operator, num_matvecs=20)
    assert found.is_lower_bound
    assert f"{found:.3g}".startswith(">= ")
    assert f"{found:.3g}" != f"{found.value:.3g}"


def test_notebooks_get_a_table_with_names_escaped():
    html = AT_LEAST._repr_html_()
    assert "&gt;= 308.25" in html
    assert "products &lt;only&gt;" in html
    assert html.count("<td>") == html.count("<th>") == 3
    assert "[1, 2]" in Bracket(1.0, 2.0)._repr_html_()


def test_records_stay_frozen_without_dict_and_pickle():
    for record in (KNOWN, Bracket(1.0, 2.0)):
        assert not hasattr(record, "__dict__")
        assert pickle.loads(pickle.dumps(record)) == record
        with pytest.raises(AttributeError):
            record.lower = 0.0
    with pytest.raises(TypeError):
        float(Bracket(1.0, 2.0))
