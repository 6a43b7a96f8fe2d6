"""Sources on neural networks and their training."""

from condlab.theory.model import Reference

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
