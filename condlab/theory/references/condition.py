"""Sources on condition numbers."""

from condlab.theory.model import Reference

ECKART_YOUNG = Reference(
    "C. Eckart and G. Young",
    1936,
    "The approximation of one matrix by another of lower rank",
    "Psychometrika 1",
)
KAHAN_1966 = Reference(
    "W. Kahan", 1966, "Numerical linear algebra", "Canadian Math. Bulletin 9"
)
SKEEL = Reference(
    "R. D. Skeel",
    1979,
    "Scaling for numerical stability in Gaussian elimination",
    "J. ACM 26",
)
GUGGENHEIMER = Reference(
    "H. W. Guggenheimer, A. S. Edelman and C. R. Johnson",
    1995,
    "A simple estimate of the condition number of a linear system",
    "College Math. J. 26",
)
MERIKOSKI = Reference(
    "J. K. Merikoski, U. Urpala, A. Virtanen, T.-Y. Tam and F. Uhlig",
    1997,
    "A best upper bound for the 2-norm condition number of a matrix",
    "Linear Algebra Appl. 254",
)
HADAMARD = Reference(
    "J. Hadamard",
    1893,
    "Résolution d'une question relative aux déterminants",
    "Bulletin des Sciences Mathématiques 17",
)
HAGER = Reference(
    "W. W. Hager", 1984, "Condition estimates", "SIAM J. Sci. Stat. Comput. 5"
)
EDELMAN = Reference(
    "A. Edelman",
    1988,
    "Eigenvalues and condition numbers of random matrices",
    "SIAM J. Matrix Anal. Appl. 9",
)
CHEN_DONGARRA = Reference(
    "Z. Chen and J. J. Dongarra",
    2005,
    "Condition numbers of Gaussian random matrices",
    "SIAM J. Matrix Anal. Appl. 27",
)
HOERL_KENNARD = Reference(
    "A. E. Hoerl and R. W. Kennard",
    1970,
    "Ridge regression: biased estimation for nonorthogonal problems",
    "Technometrics 12",
)
BAUER_HOUSEHOLDER = Reference(
    "F. L. Bauer and A. S. Householder",
    1960,
    "Some inequalities involving the Euclidean condition of a matrix",
    "Numerische Mathematik 2",
)
VAN_LOAN = Reference(
    "C. F. Van Loan",
    2000,
    "The ubiquitous Kronecker product",
    "J. Comput. Appl. Math. 123",
)
SHERMAN_MORRISON = Reference(
    "J. Sherman and W. J. Morrison",
    1950,
    "Adjustment of an inverse matrix corresponding to a change in one element",
    "Annals of Math. Statistics 21",
)
BELSLEY = Reference(
    "D. A. Belsley",
    1984,
    "Demeaning conditioning diagnostics through centering",
    "The American Statistician 38",
)
HORN_JOHNSON_TOPICS = Reference(
    "R. A. Horn and C. R. Johnson", 1991, "Topics in Matrix Analysis", "Cambridge"
)
BOYD_VANDENBERGHE = Reference(
    "S. Boyd and L. Vandenberghe", 2004, "Convex Optimization", "Cambridge"
)
