"""The odd polynomials of the PC layer, exactly as they are published.

p(x) = c_0 x + c_1 x^3 + c_2 x^5 + ..., for singular values over the largest one. Fitted
by their authors to lift the small ones, the more the higher the level; p(1) = 1.
"""

from fractions import Fraction

THOUSANDTHS = {
    1: (1507, -507),
    2: (2083, -1643, 560),
    3: (2909, -4649, 4023, -1283),
    4: (3625, -9261, 14097, -10351, 2890),
}
LEVELS = {
    level: tuple(Fraction(c, 1000) for c in coefficients)
    for level, coefficients in THOUSANDTHS.items()
}
