"""All that is known of a loss's Hessian at a network's parameters, in one record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypedDict

import torch

from condlab._typing import Record
from condlab.curvature import _shown
from condlab.curvature.condition_number import (
    ConditionMethod,
    HessianCondition,
    condition_number,
)
from condlab.curvature.evaluation.losses import Batch, Criterion, make_loss
from condlab.curvature.gram import count_outputs, gauss_newton_condition
from condlab.curvature.operators.gauss_newton import gauss_newton
from condlab.curvature.operators.operator import (
    BackendName,
    CurvatureOperator,
    HessianOperator,
)
from condlab.curvature.symmetry.gauge import SphereOperator, normalised_lines, sphere
from condlab.curvature.symmetry.symmetries import find_invariances
from condlab.nn.conditioning import zero_line
from condlab.spectra.brackets.intervals import Spectrum
from condlab.spectra.brackets.staircase import Staircase
from condlab.spectra.density import SpectralDensity, density

GRAM = 2000  # outputs, or parameters, whose Gauss-Newton matrix takes seconds
EXACT = 4096  # rows up to which a matrix is assembled, unless Lanczos is asked for
SHARE = 8  # of the products, one in so many for the directions predicted to be null
NOISY = 1e-2  # of the largest |eigenvalue|: more leaves not two digits
STEPS = 60  # of Lanczos for each probe of the density


class Sharpness(TypedDict):
    """The largest eigenvalue against the edge of stability, and in words."""

    two_over_lr: float
    lambda_max: dict[str, float | None]
    verdict: str


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """The condition of a Hessian, its Gauss-Newton matrix's, and what blurs them.

    Parameters
    ----------
    operator : HessianOperator
        Of the loss at the module's parameters.
    gauged : HessianOperator or SphereOperator
        The same in the gauge asked for.
    condition : HessianCondition
        Of `gauged`; its spectrum is kept.
    gauss_newton : HessianCondition or None
        Of the Gauss-Newton matrix, where that takes seconds and the criterion is
        convex.
    no_gauss_newton : str or None
        Why there is none.
    noisy : str or None
        Why the products say little, if they do.
    """

    operator: HessianOperator
    gauged: HessianOperator | SphereOperator
    condition: HessianCondition
    gauss_newton: HessianCondition | None
    no_gauss_newton: str | None
    noisy: str | None

    def spectrum(self) -> Spectrum:
        """Return what is known of all eigenvalues, predicted null ones included."""
        found, rest = self.condition, self.condition.spectrum
        assert rest is not None  # `condition` keeps it
        zeros = torch.zeros(found.predicted, dtype=torch.float64)
        values = torch.cat([rest.values, zeros])
        radii = torch.cat(
            [rest.radii + (found.noise - rest.noise), zeros + found.noise]
        )
        order = values.argsort(stable=True)
        return replace(rest, values=values[order], radii=radii[order], size=found.size)

    def density(
        self,
        *,
        num_probes: int = 4,
        num_matvecs: int = STEPS,
        generator: torch.Generator | None = None,
    ) -> SpectralDensity | Staircase:
        """Return the density: exact where the whole spectrum is known, else estimated.

        Estimates are by stochastic Lanczos quadrature, see `condlab.spectra.density`.
        """
        known = self.spectrum()
        if known.complete:
            return Staircase(known)
        return density(
            self.gauged,
            num_matvecs=min(num_matvecs, self.gauged.shape[0]),
            num_probes=num_probes,
            generator=generator or torch.Generator().manual_seed(0),
        )

    def sharpness(self, lr: float) -> Sharpness:
        """Return whether gradient descent with a step this long is stable.

        Parameters
        ----------
        lr : float
            The step; descent along an eigenvector is stable below 2/lr.
        """
        top, edge = self.condition.lambda_max, 2 / lr
        verdict = "not determined"
        if top.lower > edge:
            verdict = "above: descent with this step is unstable"
        elif top.upper < edge:
            verdict = "below: descent with this step is stable along each eigenvector"
        return {"two_over_lr": edge, "lambda_max": top.to_dict(), "verdict": verdict}

    def to_dict(self) -> Record:
        """Return numbers and words alone, as for JSON."""
        H, G = self.operator, self.gauss_newton
        return {
            "parameters": H.shape[0],
            "dtype": str(H.dtype).removeprefix("torch."),
            "device": str(H.device),
            "backend": H.backend,
            **self.condition.to_dict(),
            "gauss_newton": G
            and {
                "kappa_nonnull": G.kappa_nonnull.to_dict(),
                "nullity": G.nullity,
                "size": G.size,
            },
            "no_gauss_newton": self.no_gauss_newton,
            "noisy": self.noisy,
        }

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what is certain, and what is not."""
        notes = [_shown.title(self), *_shown.examination_notes(self)]
        return _shown.html(_shown.examination_rows(self), notes)


def examine(
    module: torch.nn.Module,
    criterion: Criterion,
    batches: Iterable[Batch],
    *,
    gauge: Literal["raw", "sphere"] = "raw",
    method: ConditionMethod = "auto",
    num_matvecs: int | None = None,
    interior: int = 0,
    vectors: int = 0,
    backend: BackendName = "auto",
    generator: torch.Generator | None = None,
    progress: Callable[[str], object] = lambda _: None,
) -> Examination:
    """Examine the Hessian of a loss at a module's parameters.

    Parameters
    ----------
    module : Module
        Its parameters that require gradients are differentiated by.
    criterion : callable
        ``criterion(output, target)``, a mean over samples.
    batches : sequence of (inputs, target)
        The data; a batch counts by its size.
    gauge : {"raw", "sphere"}
        "sphere" takes the lengths of conditioned rows out.
    method, num_matvecs, interior, vectors
        As of `condition`.
    backend : str
        As of `HessianOperator`.
    generator : torch.Generator, optional
        Of the random starts; seed 0 by default.
    progress : callable
        Told in words what is done next.

    Returns
    -------
    Examination
        With invariances found, verified and set apart.

    Raises
    ------
    ValueError
        If the loss cannot be differentiated twice, or the sphere gauge finds no layer.

    Examples
    --------
    >>> from condlab.curvature import example
    >>> found = examine(*example("mlp"))
    >>> found.condition.nullity, found.gauss_newton.kappa_nonnull.value > 1
    (13, True)
    """
    params = {n: p for n, p in module.named_parameters() if p.requires_grad}
    H = HessianOperator(make_loss(module, criterion), params, batches, backend=backend)
    G, unable = _gauss_newton(H, batches)
    progress(f"multiplying with the Hessian of {H.shape[0]} parameters")
    K = _in_sphere(H, module) if gauge == "sphere" else H
    assembled = H.shape[0] <= (num_matvecs or EXACT) and method != "lanczos"
    made = H.shape[0] if assembled else num_matvecs or 100
    found = condition_number(
        K,
        method=method,
        num_matvecs=num_matvecs,
        interior=interior,
        invariances=find_invariances(H, module, most=made // SHARE),
        generator=generator or torch.Generator().manual_seed(0),
        vectors=vectors,
    )
    if G is not None:
        progress("multiplying out the Gauss-Newton matrix")
    try:
        of_outputs = None if G is None else gauss_newton_condition(G)
    except ValueError as error:  # the criterion is not convex
        of_outputs, unable = None, " ".join(str(error).split())
    return Examination(H, K, found, of_outputs, unable, _noisy(found, module))


def _in_sphere(H: HessianOperator, module: torch.nn.Module) -> SphereOperator:
    lines = {n: k for n, k in normalised_lines(module).items() if n in H.params}
    if not lines:
        raise ValueError(
            "the sphere gauge needs layers of condlab.nn.condition that train and are "
            "not frozen, and the model has none; leave the gauge out"
        )
    return sphere(H, lines)


def _gauss_newton(
    H: HessianOperator, batches: Iterable[Batch]
) -> tuple[CurvatureOperator | None, str | None]:
    """Return the Gauss-Newton matrix where it takes seconds, or why there is none."""
    try:
        G = gauss_newton(H.point.loss, H.params, batches)
        outputs = count_outputs(G)
    except (ValueError, TypeError, RuntimeError, AttributeError) as error:
        return None, " ".join(str(error).split())
    least = min(outputs, H.shape[0])
    if least > GRAM:
        return None, f"it takes {least} products, and at most {GRAM} are made"
    return G, None


def _noisy(found: HessianCondition, module: torch.nn.Module) -> str | None:
    """Return why the products say little, if they do."""
    assert found.spectrum is not None
    values = found.spectrum.values
    top = float(values.abs().max()) if len(values) else 0.0
    if found.noise <= NOISY * top:
        return None
    return zero_line(module) or (
        "the loss and its gradient change otherwise than the products say, within the "
        "steps that these are held against: it has kinks or jumps near these "
        "parameters, or turns sharply, as a layer norm of zeros does"
    )
