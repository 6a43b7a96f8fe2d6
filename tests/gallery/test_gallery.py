"""What the gallery says of every family is that of its matrices."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from condlab import gallery
from condlab.gallery import GALLERY
from tests.gallery.multiprecision import EPS, dense, exact_kappa

EVERY = pytest.mark.parametrize("family", GALLERY.values(), ids=GALLERY)


@pytest.mark.parametrize(
    ("family", "n"),
    [
        pytest.param(family, n, id=f"{name}-{n}")
        for name, family in GALLERY.items()
        for n in (1, 2, 5, 8, 9)
        if family.kappa_2 and n >= family.smallest
    ],
)
def test_closed_form_condition_number_is_that_of_the_matrix(family, n):
    kappa = family.kappa_2(n)
    if kappa == inf:
        assert exact_kappa(family.make(n)) == inf
        return
    # entries are rounded: sigma_min moves by at most 4 n eps sigma_max
    rounding = 4 * n * EPS * kappa
    assert_allclose(exact_kappa(family.make(n)), kappa, rtol=rounding + 4 * EPS)


@EVERY
def test_size_is_the_number_of_columns_or_the_most_below_it(family):
    for n in (family.smallest, 12, 25):
        A = family.make(n)
        assert 0 < A.shape[1] <= n
        assert A.dtype == np.float64


@EVERY
def test_every_family_gives_the_same_matrix_again(family):
    assert_array_equal(dense(family.make(13)), dense(family.make(13)))


@EVERY
def test_too_small_a_size_is_refused_in_one_sentence(family):
    with pytest.raises(ValueError, match=f"at least {family.smallest}, got") as error:
        family.make(family.smallest - 1)
    assert "\n" not in str(error.value)


@EVERY
def test_every_family_says_what_is_known_and_who_said_it(family):
    assert family.known
    assert family.reference[-4:].isdigit() or "section" in family.reference


def test_gallery_is_read_only_and_keyed_by_name():
    assert all(name == family.name for name, family in GALLERY.items())
    with pytest.raises(TypeError):
        GALLERY["hilbert"] = None


def test_two_families_cannot_share_a_name():
    with pytest.raises(ValueError, match="same name"):
        gallery._keyed(GALLERY["hilbert"], GALLERY["hilbert"])
