"""Sources on diagonal scaling."""

from condlab.theory.model import Reference

BAUER = Reference(
    "F. L. Bauer", 1963, "Optimally scaled matrices", "Numerische Mathematik 5"
)
VAN_DER_SLUIS = Reference(
    "A. van der Sluis",
    1969,
    "Condition numbers and equilibration of matrices",
    "Numerische Mathematik 14",
)
FORSYTHE_STRAUS = Reference(
    "G. E. Forsythe and E. G. Straus",
    1955,
    "On best conditioned matrices",
    "Proc. Amer. Math. Soc. 6",
)
DEMMEL_2023 = Reference(
    "J. Demmel",
    2023,
    "Nearly optimal block-Jacobi preconditioning",
    "SIAM J. Matrix Anal. Appl. 44",
)
JAMBULAPATI = Reference(
    "A. Jambulapati, J. Li, C. Musco, K. Shiragur, A. Sidford and K. Tian",
    2023,
    "Structured semidefinite programming for recovering structured preconditioners",
    "NeurIPS 2023, arXiv:2310.18265",
)
MCCARTHY_STRANG = Reference(
    "C. McCarthy and G. Strang",
    1973,
    "Optimal conditioning of matrices",
    "SIAM J. Numer. Anal. 10",
)
SMITH = Reference(
    "R. A. Smith",
    1967,
    "The condition numbers of the matrix eigenvalue problem",
    "Numerische Mathematik 10",
)
DENNIS_WOLKOWICZ = Reference(
    "J. E. Dennis and H. Wolkowicz",
    1993,
    "Sizing and least-change secant methods",
    "SIAM J. Numer. Anal. 30",
)
DIAMOND_BOYD = Reference(
    "S. Diamond and S. Boyd",
    2017,
    "Stochastic matrix-free equilibration",
    "J. Optim. Theory Appl. 172",
)
SEZGINER_OVERTON = Reference(
    "R. S. Sezginer and M. L. Overton",
    1990,
    "The largest singular value of e^X A_0 e^-X is convex on convex sets of commuting "
    "matrices",
    "IEEE Trans. Automatic Control 35",
)
GOLUB_VARAH = Reference(
    "G. H. Golub and J. M. Varah",
    1974,
    "On a characterization of the best l2-scaling of a matrix",
    "SIAM J. Numer. Anal. 11",
)
RUIZ = Reference(
    "D. Ruiz",
    2001,
    "A scaling algorithm to equilibrate both rows and columns norms in matrices",
    "Rutherford Appleton Laboratory, RAL-TR-2001-034",
)
KNIGHT_RUIZ_UCAR = Reference(
    "P. A. Knight, D. Ruiz and B. Uçar",
    2014,
    "A symmetry preserving algorithm for matrix scaling",
    "SIAM J. Matrix Anal. Appl. 35",
)
SINKHORN_KNOPP = Reference(
    "R. Sinkhorn and P. Knopp",
    1967,
    "Concerning nonnegative matrices and doubly stochastic matrices",
    "Pacific J. Math. 21",
)
FRANKLIN_LORENZ = Reference(
    "J. Franklin and J. Lorenz",
    1989,
    "On the scaling of multidimensional matrices",
    "Linear Algebra Appl. 114/115",
)
STOER_WITZGALL = Reference(
    "J. Stoer and C. Witzgall",
    1962,
    "Transformations by diagonal matrices in a normed space",
    "Numerische Mathematik 4",
)
OSBORNE = Reference(
    "E. E. Osborne", 1960, "On pre-conditioning of matrices", "J. ACM 7"
)
OLSCHOWKA_NEUMAIER = Reference(
    "M. Olschowka and A. Neumaier",
    1996,
    "A new pivoting strategy for Gaussian elimination",
    "Linear Algebra Appl. 240",
)
BRAATZ_MORARI = Reference(
    "R. D. Braatz and M. Morari",
    1994,
    "Minimizing the Euclidean condition number",
    "SIAM J. Control Optim. 32(6)",
)
QU_YE = Reference(
    "Z. Qu, W. Gao, O. Hinder, Y. Ye and Z. Zhou",
    2025,
    "Optimal diagonal preconditioning",
    "Operations Research 73(3)",
)
