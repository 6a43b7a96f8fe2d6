"""Sources on eigenvalues and singular values."""

from condlab.theory.model import Reference

WEYL = Reference(
    "H. Weyl",
    1912,
    "Das asymptotische Verteilungsgesetz der Eigenwerte",
    "Mathematische Annalen 71",
)
OSTROWSKI_1959 = Reference(
    "A. M. Ostrowski",
    1959,
    "A quantitative formulation of Sylvester's law of inertia",
    "Proc. National Academy of Sciences 45",
)
BAUER_FIKE = Reference(
    "F. L. Bauer and C. T. Fike",
    1960,
    "Norms and exclusion theorems",
    "Numerische Mathematik 2",
)
GERSHGORIN = Reference(
    "S. Gershgorin",
    1931,
    "Über die Abgrenzung der Eigenwerte einer Matrix",
    "Izv. Akad. Nauk SSSR 6",
)
BRAUER = Reference(
    "A. Brauer",
    1947,
    "Limits for the characteristic roots of a matrix II",
    "Duke Math. J. 14",
)
AHLBERG_NILSON = Reference(
    "J. H. Ahlberg and E. N. Nilson",
    1963,
    "Convergence properties of the spline fit",
    "J. SIAM 11",
)
VARAH = Reference(
    "J. M. Varah",
    1975,
    "A lower bound for the smallest singular value of a matrix",
    "Linear Algebra Appl. 11",
)
JOHNSON = Reference(
    "C. R. Johnson",
    1989,
    "A Gersgorin-type lower bound for the smallest singular value",
    "Linear Algebra Appl. 112",
)
DEMMEL_VESELIC = Reference(
    "J. Demmel and K. Veselić",
    1992,
    "Jacobi's method is more accurate than QR",
    "SIAM J. Matrix Anal. Appl. 13",
)
WATHEN = Reference(
    "A. J. Wathen",
    1987,
    "Realistic eigenvalue bounds for the Galerkin mass matrix",
    "IMA J. Numer. Anal. 7",
)
HOFFMAN_WIELANDT = Reference(
    "A. J. Hoffman and H. W. Wielandt",
    1953,
    "The variation of the spectrum of a normal matrix",
    "Duke Math. J. 20",
)
FAN = Reference(
    "K. Fan",
    1949,
    "On a theorem of Weyl concerning eigenvalues of linear transformations I",
    "Proc. National Academy of Sciences 35",
)
WOLKOWICZ_STYAN = Reference(
    "H. Wolkowicz and G. P. H. Styan",
    1980,
    "Bounds for eigenvalues using traces",
    "Linear Algebra Appl. 29",
)
PARLETT = Reference(
    "B. N. Parlett", 1998, "The Symmetric Eigenvalue Problem", "SIAM Classics"
)
SAAD_1980 = Reference(
    "Y. Saad",
    1980,
    "On the rates of convergence of the Lanczos and the block-Lanczos methods",
    "SIAM J. Numer. Anal. 17",
)
