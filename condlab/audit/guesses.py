"""What was expected of each subject before it ran: the worst verdict of a kind.

Written with the adapters and committed before the first audit, so wrong guesses show
where the libraries surprise. From the best to the worst: right, refuses, flagged,
silently wrong. One was no guess: that PROPACK's smallest singular value is off had been
seen when its adapter was tried.
"""

from __future__ import annotations

from collections.abc import Mapping

from condlab.audit.model import Verdict

ORDER: tuple[Verdict, ...] = ("right", "refuses", "flagged", "silently wrong")

RIGHT, REFUSES, FLAGGED, WRONG = ORDER

GUESSES: Mapping[str, Mapping[str, Verdict]] = {
    "condlab.cond": {"cond_1": RIGHT, "cond_2": RIGHT, "cond_inf": RIGHT},
    "condlab.estimate_cond_1": {"cond_1_sparse": RIGHT, "cond_1": RIGHT},
    "condlab.estimate_cond_2": {"cond_2": RIGHT},
    "numpy.linalg.cond": {"cond_1": WRONG, "cond_2": RIGHT, "cond_inf": FLAGGED},
    "torch.linalg.cond": {"cond_1": WRONG, "cond_2": REFUSES, "cond_inf": WRONG},
    "jax.numpy.linalg.cond": {"cond_1": WRONG, "cond_2": WRONG, "cond_inf": WRONG},
    "mpmath.cond": {"cond_1": REFUSES, "cond_inf": REFUSES},
    "flint.arb_mat.inv": {"cond_1": REFUSES, "cond_inf": REFUSES},
    "scipy.linalg.lapack.gecon": {"cond_1": WRONG, "cond_inf": WRONG},
    "pyamg.util.linalg.cond": {"cond_2": FLAGGED},
    "pyamg.util.linalg.condest": {"cond_2": WRONG},
    "scipy.sparse.linalg.onenormest": {"cond_1_sparse": REFUSES},
    "condlab.spectra.spectrum": {
        "lambda_max": RIGHT,
        "lambda_abs": RIGHT,
        "lambda_min": RIGHT,
    },
    "numpy.linalg.eigvalsh": {
        "lambda_max": RIGHT,
        "lambda_abs": RIGHT,
        "lambda_min": RIGHT,
        "sigma_max": RIGHT,
        "sigma_min": RIGHT,
    },
    "scipy.sparse.linalg.eigsh": {
        "lambda_max": WRONG,
        "lambda_abs": WRONG,
        "lambda_min": WRONG,
    },
    "scipy.sparse.linalg.eigsh, sigma=0": {"lambda_min": RIGHT},
    "scipy.sparse.linalg.lobpcg": {"lambda_max": WRONG, "lambda_min": WRONG},
    "scipy.sparse.linalg.svds, arpack": {"sigma_max": WRONG, "sigma_min": WRONG},
    "scipy.sparse.linalg.svds, lobpcg": {"sigma_max": WRONG, "sigma_min": WRONG},
    "scipy.sparse.linalg.svds, propack": {"sigma_max": REFUSES, "sigma_min": WRONG},
    "torch.lobpcg": {"lambda_max": WRONG, "lambda_min": WRONG},
    "jax.experimental.sparse.linalg.lobpcg_standard": {"lambda_max": FLAGGED},
    "primme.eigsh": {"lambda_max": RIGHT, "lambda_min": RIGHT},
    "primme.svds": {"sigma_max": RIGHT, "sigma_min": RIGHT},
    "hessian_eigenthings.lanczos": {
        "lambda_max": WRONG,
        "lambda_abs": WRONG,
        "lambda_min": WRONG,
    },
    "hessian_eigenthings.deflated_power_iteration": {"lambda_abs": WRONG},
    "matfree.eig.eigh_partial": {"lambda_max": FLAGGED, "lambda_abs": FLAGGED},
    "pyamg.util.linalg.approximate_spectral_radius": {"sigma_max": RIGHT},
    "sklearn.utils.extmath.randomized_svd": {"sigma_max": RIGHT},
    "scipy.linalg.interpolative.estimate_spectral_norm": {"sigma_max": RIGHT},
    "torch.svd_lowrank": {"sigma_max": RIGHT},
    "torch.nn.utils.parametrizations.spectral_norm": {"sigma_max": WRONG},
    "weightwatcher.WeightWatcher.analyze": {"sigma_max": WRONG, "sigma_min": WRONG},
    "condlab.spectra.trace": {"trace": RIGHT},
    "condlab.spectra.trace, hutch++": {"trace": RIGHT},
    "condlab.spectra.density": {"density": RIGHT},
    "curvlinops.hutchinson_trace": {"trace": REFUSES},
    "curvlinops.hutchpp_trace": {"trace": REFUSES},
    "curvlinops.xtrace": {"trace": FLAGGED},
    "hessian_eigenthings.trace, hutchinson": {"trace": RIGHT},
    "hessian_eigenthings.trace, hutch++": {"trace": RIGHT},
    "hessian_eigenthings.spectral_density": {"density": WRONG},
    "pyhessian.hessian.trace": {"trace": WRONG},
    "pyhessian.hessian.density": {"density": REFUSES},
    "matfree.stochtrace, Monte Carlo": {"trace": RIGHT},
    "matfree.stochtrace, XTrace": {"trace": FLAGGED},
    "matfree.funm, Lanczos quadrature": {"density": FLAGGED},
    "traceax.HutchinsonEstimator": {"trace": RIGHT},
    "traceax.HutchPlusPlusEstimator": {"trace": RIGHT},
    "traceax.XTraceEstimator": {"trace": FLAGGED},
    "pylops.utils.estimators.trace_hutchinson": {"trace": RIGHT},
    "pylops.utils.estimators.trace_hutchpp": {"trace": RIGHT},
    "pylops.utils.estimators.trace_nahutchpp": {"trace": WRONG},
    "condlab.row_column_scaling": {"equilibration": RIGHT},
    "condlab.ruiz_scaling": {"equilibration": RIGHT},
    "scipy.linalg.lapack.dgeequ": {"equilibration": WRONG},
    "scipy.linalg.lapack.dgeequb": {"equilibration": WRONG},
    "sklearn.preprocessing.normalize": {"equilibration": FLAGGED},
    "condlab.curvature.HessianOperator": {
        "hessian": REFUSES,
        "hessian_layer": RIGHT,
        "hessian_diag": RIGHT,
        "hessian_top": RIGHT,
    },
    "torch.func.hessian": {
        "hessian": WRONG,
        "hessian_layer": WRONG,
        "hessian_diag": WRONG,
    },
    "torch.autograd.functional.hessian": {
        "hessian": WRONG,
        "hessian_layer": WRONG,
        "hessian_diag": WRONG,
    },
    "torch.autograd.functional.hessian, vectorize": {"hessian": WRONG},
    "jax.hessian": {"hessian": FLAGGED},
    "numdifftools.Hessian": {"hessian": WRONG},
    "curvlinops.HessianLinearOperator": {
        "hessian_layer": WRONG,
        "hessian_diag": WRONG,
    },
    "curvlinops.HessianLinearOperator, two batches": {"hessian_layer": WRONG},
    "hessian_eigenthings.HessianOperator": {
        "hessian_layer": WRONG,
        "hessian_top": WRONG,
    },
    "hessian_eigenthings.HessianOperator, microbatches": {"hessian_layer": WRONG},
    "hessian_eigenthings.HessianOperator, finite differences": {"hessian_layer": RIGHT},
    "pyhessian.hessian.eigenvalues": {"hessian_top": WRONG},
    "backpack.extensions.DiagHessian": {"hessian_diag": REFUSES},
}
