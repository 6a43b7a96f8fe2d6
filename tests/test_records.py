"""Every record that condlab returns is shown in notebooks and given as plain values."""

import json
import math
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import numpy as np
import pytest

import condlab
from condlab.display.digits import down, interval, up
from condlab.display.tables import plain
from condlab.types import Bracket, ConditionEstimate, ConditionEstimates

torch = pytest.importorskip("torch")
pytest.importorskip("flint")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from condlab import curvature, nn, spectra, theory  # noqa: E402
from condlab.spectra.brackets.staircase import Staircase  # noqa: E402
from condlab.theory import Verdict  # noqa: E402

A = np.array([[1.0, 2.0], [300.0, 100.0]])
D = torch.diag(torch.tensor([-1.0, 0.0, 3.0, 5.0], dtype=torch.float64))
HOSTILE = "<script>alert('a & b')</script>"


def wide():
    return torch.diag(torch.arange(1.0, 301.0, dtype=torch.float64))


def networks():
    net = torch.nn.Linear(2, 2).double()
    x = torch.eye(2, dtype=torch.float64)
    return net, torch.nn.MSELoss(), [(x, x)]


MAKERS = {
    "bracket": lambda: condlab.van_der_sluis(A),
    "estimate": lambda: condlab.cond_2(A),
    "at least": lambda: ConditionEstimate(308.25, 308.25, math.inf, 2, HOSTILE),
    "estimates": lambda: condlab.cond(np.stack([A, A.T]).reshape(2, 1, 2, 2)),
    "optimal": lambda: condlab.optimal_scaling(A),
    "comparison": lambda: condlab.compare_scalings(A),
    "layers": lambda: nn.layer_table({"a.weight": torch.from_numpy(A)}),
    "spectrum": lambda: spectra.spectrum(D, vectors=1),
    "ritz values": lambda: spectra.spectrum(wide(), method="lanczos", num_matvecs=60),
    "density": lambda: spectra.density(wide(), num_matvecs=8, num_probes=2),
    "staircase": lambda: Staircase(spectra.spectrum(D)),
    "eigenpairs": lambda: spectra.spectrum(D, vectors=2).pairs,
    "trace": lambda: spectra.trace(wide(), num_matvecs=8),
    "diagonal": lambda: spectra.diagonal(wide(), num_matvecs=8),
    "condition": lambda: curvature.condition_number(D),
    "probable": lambda: curvature.condition_number(
        wide(), method="lanczos", num_matvecs=60
    ),
    "examination": lambda: curvature.examine(*networks()),
    "verdicts": lambda: theory.verify(
        theory.CATALOGUE["wc-thm5.1-rows"], sizes=[1, 3], max_examples=50
    ),
    "verdict": lambda: Verdict(HOSTILE, 2, "falsified", 9, 1.5, (np.eye(2), 1), None),
    "nothing tried": lambda: Verdict("claim", 2, "inconclusive", 0, math.nan),
}
FRAMES = {
    "estimates": 2, "comparison": 6, "layers": 1, "spectrum": 4, "eigenpairs": 2,
    "diagonal": 300, "verdicts": 2,
}  # fmt: skip


@pytest.fixture(params=MAKERS)
def found(request):
    return MAKERS[request.param]()


class Words(HTMLParser):
    """The words of a fragment, and its tags."""

    def __init__(self, html):
        super().__init__()
        self.words, self.tags = "", set()
        self.feed(html)

    def handle_starttag(self, tag, _):
        self.tags.add(tag)

    def handle_data(self, data):
        self.words += data


def test_notebooks_get_html_that_closes_and_escapes(found):
    html = found._repr_html_()
    assert ElementTree.fromstring(f"<div>{html}</div>").tag == "div"
    assert Words(html).tags <= {"table", "tr", "th", "td", "p", "span"}


def test_records_are_plain_values_that_json_takes(found):
    record = found.to_dict()
    assert json.loads(json.dumps(record)).keys() == record.keys()


@pytest.mark.parametrize("name", FRAMES)
def test_tables_become_data_frames_with_a_row_each(name):
    pytest.importorskip("pandas")
    assert len(MAKERS[name]().to_pandas()) == FRAMES[name]


@pytest.mark.parametrize("name", FRAMES)
def test_without_pandas_a_sentence_says_what_to_do(name, monkeypatch):
    table = MAKERS[name]()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="needs pandas; install it with: pip"):
        table.to_pandas()


@given(st.floats(allow_nan=False), st.integers(1, 15))
def test_bounds_are_rounded_outwards(x, digits):
    assert float(down(x, digits)) <= x <= float(up(x, digits))


@given(st.integers(-(10**6) + 1, 10**6 - 1), st.integers(-300, 300))
def test_numbers_of_six_digits_are_bounds_of_themselves(digits, power):
    x = float(f"{digits}e{power}")
    assert float(down(x)) == x == float(up(x))


def test_a_bracket_that_is_printed_still_holds_what_it_held():
    narrow = Bracket(1 + 1e-9, 1 + 2e-9)
    for words in (str(narrow), narrow._repr_html_(), interval(1 + 1e-9, 1 + 2e-9)):
        assert "[1, 1.00001]" in words


def test_a_lower_bound_is_never_printed_above_itself():
    kappa = ConditionEstimate(1.9999999, 1.9999999, math.inf, 2, "products")
    assert str(kappa).startswith(">= 1.99999,")
    assert "&gt;= 1.99999" in kappa._repr_html_()


def test_what_is_not_certain_is_said():
    assert "Not certain" in MAKERS["ritz values"]()._repr_html_()
    assert "Not certain" in MAKERS["density"]()._repr_html_()
    assert "not certain" in MAKERS["trace"]()._repr_html_()
    assert "not certain: no instance" in MAKERS["nothing tried"]()._repr_html_()
    assert "except with probability" in MAKERS["probable"]()._repr_html_()
    for name in ("spectrum", "staircase", "condition"):
        assert "ot certain" not in MAKERS[name]()._repr_html_()


def test_the_frame_of_a_spectrum_holds_its_intervals():
    pytest.importorskip("pandas")
    known = spectra.spectrum(D)
    frame = known.to_pandas()
    assert (
        (frame.lower <= D.diagonal().numpy()) & (D.diagonal().numpy() <= frame.upper)
    ).all()
    assert frame.value.tolist() == known.values.tolist()


def test_long_tables_are_shortened_in_notebooks_and_whole_in_frames():
    kappa = ConditionEstimates(*np.ones((3, 5000)), p=2)
    assert kappa._repr_html_().count("<tr>") < 100
    assert len(kappa.to_dict()["value"]) == 5000


def test_verdicts_stay_a_list_and_have_one_outcome():
    verdicts = MAKERS["verdicts"]()
    assert isinstance(verdicts, list)
    assert [each.outcome for each in verdicts] == ["holds", "falsified"]
    assert verdicts.outcome == verdicts.to_dict()["outcome"] == "falsified"
    assert "A search proves nothing" in Words(verdicts._repr_html_()).words


def test_values_that_json_does_not_have_are_told_in_words():
    from fractions import Fraction

    found = plain({(1, 2): [Fraction(1, 3), 1 + 2j, {"a": np.float32(0.5)}, None]})
    assert found == {"(1, 2)": ["1/3", "(1+2j)", {"a": 0.5}, None]}
