"""The sources of the catalogue, as data: one entry each, cited by locator."""

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
HIGHAM = Reference(
    "N. J. Higham",
    2002,
    "Accuracy and Stability of Numerical Algorithms, 2nd ed.",
    "SIAM",
)
HORN_JOHNSON = Reference(
    "R. A. Horn and C. R. Johnson", 2013, "Matrix Analysis, 2nd ed.", "Cambridge"
)
GOLUB_VAN_LOAN = Reference(
    "G. H. Golub and C. F. Van Loan",
    2013,
    "Matrix Computations, 4th ed.",
    "Johns Hopkins",
)
WEIGHT_CONDITIONING = Reference(
    "H. Saratchandran, T. X. Wang and S. Lucey",
    2024,
    "Weight conditioning for smooth optimization of neural networks",
    "ECCV 2024, arXiv:2409.03424",
)
WEIGHT_STANDARDIZATION = Reference(
    "S. Qiao, H. Wang, C. Liu, W. Shen and A. Yuille",
    2019,
    "Micro-batch training with batch-channel normalization and weight standardization",
    "arXiv:1903.10520",
)
