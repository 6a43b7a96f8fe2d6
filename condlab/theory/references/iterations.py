"""Sources on iterative methods."""

from condlab.theory.model import Reference

KANTOROVICH = Reference(
    "L. V. Kantorovich",
    1948,
    "Functional analysis and applied mathematics",
    "Uspekhi Mat. Nauk 3",
)
AKAIKE = Reference(
    "H. Akaike",
    1959,
    "On a successive transformation of probability distribution and its application "
    "to the analysis of the optimum gradient method",
    "Ann. Inst. Statist. Math. 11",
)
HESTENES_STIEFEL = Reference(
    "M. R. Hestenes and E. Stiefel",
    1952,
    "Methods of conjugate gradients for solving linear systems",
    "J. Res. National Bureau of Standards 49",
)
GREENBAUM = Reference(
    "A. Greenbaum", 1997, "Iterative Methods for Solving Linear Systems", "SIAM"
)
SAAD = Reference(
    "Y. Saad", 2003, "Iterative Methods for Sparse Linear Systems, 2nd ed.", "SIAM"
)
VARGA = Reference("R. S. Varga", 2000, "Matrix Iterative Analysis, 2nd ed.", "Springer")
YOUNG = Reference(
    "D. M. Young",
    1954,
    "Iterative methods for solving partial difference equations of elliptic type",
    "Trans. Amer. Math. Soc. 76",
)
REICH = Reference(
    "E. Reich",
    1949,
    "On the convergence of the classical iterative method of solving linear "
    "simultaneous equations",
    "Annals of Math. Statistics 20",
)
OSTROWSKI_1954 = Reference(
    "A. M. Ostrowski",
    1954,
    "On the linear iteration procedures for symmetric matrices",
    "Rend. Mat. Appl. 14",
)
POLYAK_1964 = Reference(
    "B. T. Polyak",
    1964,
    "Some methods of speeding up the convergence of iteration methods",
    "USSR Comput. Math. Math. Phys. 4",
)
POLYAK = Reference(
    "B. T. Polyak", 1987, "Introduction to Optimization", "Optimization Software"
)
STROHMER_VERSHYNIN = Reference(
    "T. Strohmer and R. Vershynin",
    2009,
    "A randomized Kaczmarz algorithm with exponential convergence",
    "J. Fourier Anal. Appl. 15",
)
LEVENTHAL_LEWIS = Reference(
    "D. Leventhal and A. S. Lewis",
    2010,
    "Randomized methods for linear constraints: convergence rates and conditioning",
    "Math. Oper. Res. 35",
)
