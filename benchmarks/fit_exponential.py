"""Find the few real powers whose positive sum is the exponential, and print them as the engine's table.

    python benchmarks/fit_exponential.py            # needs scipy; some minutes on two cores

For each reach M, the smallest K with  |1 + Σ_k c_k (z/M)^{a_k} − exp(z)| ≤ 5e-5 · exp(z)  on 0 ≤ z ≤ M, with
c_k > 0 and real a_k > 0. Exponents and coefficients come from iteratively reweighted least squares of the
relative error (Lawson's way to the minimax fit), started from a quadratic ladder of exponents.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares, nnls

TOLERANCE = 5e-5
REACHES = (0.5, 1, 2, 4, 8, 14, 20, 28, 40)


def grid(reach: float) -> np.ndarray:
    """Points of [0, reach], dense at both ends."""
    ends = (1 - np.cos(np.linspace(0, np.pi, 900))) / 2
    return np.unique(np.concatenate([reach * ends, reach * np.logspace(-7, 0, 300)]))


def worst_error(reach: float, exponents: np.ndarray, coefficients: np.ndarray) -> float:
    """Return the largest relative error on far more points than were fitted."""
    z = np.linspace(0, reach, 200_001)[1:]
    powers = np.exp(exponents[:, None] * np.log(z / reach) + np.log(coefficients)[:, None] - z)
    return float(np.abs(np.exp(-z) + powers.sum(0) - 1).max())


def fit(reach: float, terms: int, rounds: int = 16) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the worst relative error, the exponents and the coefficients of ``terms`` powers beside the 1."""
    z = grid(reach)
    log_y = np.log(np.maximum(z / reach, 1e-300))
    target = np.exp(z)

    def error(params: np.ndarray) -> np.ndarray:
        exponents = np.cumsum(np.exp(np.clip(params[:terms], -20, 5)))
        log_coefficients = params[terms:]
        powers = np.exp(np.clip(exponents[:, None] * log_y + log_coefficients[:, None] - z, -700, 50))
        return 1 / target + powers.sum(0) - 1

    best = (np.inf, np.empty(0), np.empty(0))
    for top in (0.8, 1.0, 1.3, 1.7):
        ladder = np.linspace(1, np.sqrt(max((reach + 2 * np.sqrt(reach) + 1) * top, terms)), terms) ** 2
        basis = np.exp(ladder[:, None] * log_y) / target
        start, _ = nnls(basis.T, 1 - 1 / target, maxiter=10_000)
        steps = np.diff(np.concatenate([[0], ladder])).clip(1e-3)
        params = np.concatenate([np.log(steps), np.log(np.maximum(start, 1e-6))])
        weight = np.ones_like(z)
        for _ in range(rounds):
            solved = least_squares(lambda p, w=weight: error(p) * np.sqrt(w), params, max_nfev=80)
            params = solved.x
            size = np.abs(error(params))
            if size.max() < best[0]:
                best = (size.max(), np.cumsum(np.exp(params[:terms])), np.exp(params[terms:]))
            weight *= (size / size.mean() + 1e-3) ** 0.7
            weight = np.clip(weight / weight.mean(), 1e-4, None)
    return best


def main() -> None:
    """Print one row of the table for every reach."""
    for reach in REACHES:
        for terms in range(max(2, int(2 + 1.3 * reach**0.5)), 20):
            _, exponents, coefficients = fit(reach, terms)
            worst = worst_error(reach, exponents, coefficients)
            if worst <= TOLERANCE:
                pairs = ", ".join(f"({a:.9g}, {c:.9g})" for a, c in zip(exponents, coefficients, strict=True))
                print(f"    {reach}: ({pairs}),  # {worst:.1e}", flush=True)
                break


if __name__ == "__main__":
    main()
