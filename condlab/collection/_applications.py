"""A chemical plant, a production plan and two polynomial bases."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

_GAS = 8.314  # J / (mol K)
_ACTIVATION, _FREQUENCY = 7.0e4, 1.0e8  # J / mol, 1 / s
_HEAT = 5.0e-2  # K m^3 / mol: heat of reaction over heat capacity
_RESIDENCE = 60.0  # s in each tank
_FEED = (1000.0, 350.0)  # mol / m^3, K


def tank_rates(state: np.ndarray) -> np.ndarray:
    """Return d/dt of concentration and temperature in a row of stirred tanks, (n, 2).

    A first-order exothermic reaction with Arrhenius's rate; each tank overflows into
    the next.

    References
    ----------
    O. Levenspiel, Chemical Reaction Engineering, 3rd ed., 1999, chapters 6 and 9.
    """
    before = np.concatenate([[_FEED], state[:-1]])
    concentration, temperature = state.T
    rate = _FREQUENCY * np.exp(-_ACTIVATION / (_GAS * temperature)) * concentration
    reaction = np.stack([-rate, _HEAT * rate], axis=1)
    return (before - state) / _RESIDENCE + reaction


def tank_state(n: int) -> np.ndarray:
    """Return the state at which the tanks are linearised, shape (n, 2)."""
    return np.stack([np.linspace(1000, 10, n), np.linspace(350, 400, n)], axis=1)


def tank_newton_matrix(n: int, *, step: float = 100.0) -> sp.csr_array:
    """Return I - step J of an implicit Euler step, shape (2n, 2n).

    Unknowns alternate between mol / m^3 and kelvin, so columns and rows differ in unit.

    Parameters
    ----------
    n : int
        The number of tanks.
    step : float
        In seconds.
    """
    concentration, temperature = tank_state(n).T
    factor = _FREQUENCY * np.exp(-_ACTIVATION / (_GAS * temperature))
    slope = factor * concentration * _ACTIVATION / (_GAS * temperature**2)
    J = sp.lil_array((2 * n, 2 * n))
    c, t = 2 * np.arange(n), 2 * np.arange(n) + 1
    J[c, c], J[c, t] = -factor - 1 / _RESIDENCE, -slope
    J[t, c], J[t, t] = _HEAT * factor, _HEAT * slope - 1 / _RESIDENCE
    J[c[1:], c[:-1]] = J[t[1:], t[:-1]] = 1 / _RESIDENCE
    return sp.csr_array(sp.eye_array(2 * n) - step * J)


def production_plan(periods: int) -> sp.csr_array:
    """Return the staircase of constraints of a production plan, (3 k, 5 k).

    For each period, in units that do not match: stock in tonnes balances production in
    kilograms; production and spare capacity fill 1,200 kg a worker; the workers are
    those of the period before and the hired. Of full row rank.

    References
    ----------
    G. B. Dantzig, Linear Programming and Extensions, 1963, chapter 3.
    """
    shift = sp.eye_array(periods, k=-1)
    one = sp.eye_array(periods)
    keep = one - shift  # this period's less the last one's
    return sp.csr_array(
        sp.block_array(
            [  # produced, stock, spare, workers, hired
                [-1e-3 * one, keep, None, None, None],
                [one, None, one, -1200 * one, None],
                [None, None, None, keep, -one],
            ]
        )
    )


def monomial_basis(points: int, degree: int) -> np.ndarray:
    """Return powers 0 to degree at Chebyshev points, shape (points, degree + 1)."""
    nodes = np.cos(np.pi * (2 * np.arange(points) + 1) / (2 * points))
    return np.polynomial.polynomial.polyvander(nodes, degree)


def legendre_basis(points: int, degree: int) -> np.ndarray:
    """Return Legendre polynomials at equispaced points, (points, degree + 1)."""
    return np.polynomial.legendre.legvander(np.linspace(-1, 1, points), degree)
