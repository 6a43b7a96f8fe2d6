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
ASSOCIATE = Reference(
    "Anonymous", 2019, "Associate normalization", "submitted to ICLR 2019"
)
NORMALIZATION_SURVEY = Reference(
    "Wikipedia contributors", 2024, "Normalization (machine learning)", "Wikipedia"
)
IOFFE_SZEGEDY = Reference(
    "S. Ioffe and C. Szegedy",
    2015,
    "Batch normalization: accelerating deep network training by reducing internal "
    "covariate shift",
    "ICML",
)
LAYER_NORM = Reference(
    "J. L. Ba, J. R. Kiros and G. E. Hinton",
    2016,
    "Layer normalization",
    "arXiv:1607.06450",
)
GROUP_NORM = Reference("Y. Wu and K. He", 2018, "Group normalization", "ECCV 2018")
RMS_NORM = Reference(
    "B. Zhang and R. Sennrich",
    2019,
    "Root mean square layer normalization",
    "NeurIPS 2019",
)
WEIGHT_NORM = Reference(
    "T. Salimans and D. P. Kingma",
    2016,
    "Weight normalization: a simple reparameterization to accelerate training of deep "
    "neural networks",
    "NeurIPS 2016",
)
SPECTRAL_NORM = Reference(
    "T. Miyato, T. Kataoka, M. Koyama and Y. Yoshida",
    2018,
    "Spectral normalization for generative adversarial networks",
    "ICLR 2018",
)
ADAIN = Reference(
    "X. Huang and S. Belongie",
    2017,
    "Arbitrary style transfer in real-time with adaptive instance normalization",
    "ICCV 2017",
)
ADALN = Reference(
    "W. Peebles and S. Xie",
    2023,
    "Scalable diffusion models with transformers",
    "ICCV 2023",
)
NGPT = Reference(
    "I. Loshchilov, C.-P. Hsieh, S. Sun and B. Ginsburg",
    2025,
    "nGPT: normalized transformer with representation learning on the hypersphere",
    "ICLR 2025",
)
CONV_SINGULAR_VALUES = Reference(
    "H. Sedghi, V. Gupta and P. M. Long",
    2019,
    "The singular values of convolutional layers",
    "ICLR 2019",
)
TSUZUKU = Reference(
    "Y. Tsuzuku, I. Sato and M. Sugiyama",
    2018,
    "Lipschitz-margin training: scalable certification of perturbation invariance for "
    "deep neural networks",
    "NeurIPS 2018",
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
KUNIN = Reference(
    "D. Kunin, J. Sagastuy-Brena, S. Ganguli, D. L. K. Yamins and H. Tanaka",
    2021,
    "Neural mechanics: symmetry and broken conservation laws in deep learning dynamics",
    "ICLR",
)
MARTENS_GROSSE = Reference(
    "J. Martens and R. Grosse",
    2015,
    "Optimizing neural networks with Kronecker-factored approximate curvature",
    "ICML",
)
PC_LAYER = Reference(
    "S. Wang, T. Fang, H. Zhang, Y. Zhang, K. Zhao, A. Schwing and R. Sun",
    2026,
    "PC layer: polynomial weight preconditioning for improving LLM pre-training",
    "arXiv:2606.06470",
)
MUON = Reference(
    "K. Jordan, Y. Jin, V. Boza, J. You, F. Cesista, L. Newhouse and J. Bernstein",
    2024,
    "Muon: an optimizer for hidden layers in neural networks",
    "kellerjordan.github.io/posts/muon",
)
RMNP = Reference(
    "S. Deng, Z. Ouyang, T. Pang, Z. Liu, R. Jin, S. Yu and Y. Yang",
    2026,
    "RMNP: row-momentum normalized preconditioning for scalable matrix-based "
    "optimization",
    "arXiv:2603.20527",
)
