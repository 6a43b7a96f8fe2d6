"""Books that claims of several subjects are from."""

from condlab.theory.model import Reference

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
