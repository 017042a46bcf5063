"""Find the few real powers whose sums are exp(z) and exp(−z), and print them as the engine's tables.

    python benchmarks/fit_exponential.py            # needs scipy; half an hour on two cores
    python benchmarks/fit_exponential.py growing    # one of the tables: growing, both

For each reach M, the smallest K with  |1 + Σ_k c_k (z/M)^{a_k} − exp(z)| ≤ 1.3e-4 · exp(z)  on 0 ≤ z ≤ M, with
c_k > 0 and real a_k > 0; in the second table the same exponents also give exp(−z), with coefficients of either
sign, to 4e-5 at most. Exponents of the first table come from iteratively reweighted least squares (Lawson's way to
the minimax fit). For given exponents of the second the best coefficients are a linear program (the largest error is
minimized), and a simplex search around that finds the exponents.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.optimize import least_squares, linprog, minimize, nnls

GROWING_ERROR, FALLING_ERROR = 1.35e-4, 4e-5
GROWING_REACHES = (0.75, 2, 4.6, 8.2, 12.5, 18.4, 25, 32, 40)
BOTH_REACHES = (1, 2, 3, 4.5, 6, 8, 11, 14, 18)
#: Falling coefficients, all together: larger ones cancel in single precision.
LARGEST = 1e6


def grid(reach: float) -> np.ndarray:
    """Points of [0, reach], dense at both ends."""
    ends = (1 - np.cos(np.linspace(0, np.pi, 900))) / 2
    return np.unique(np.concatenate([reach * ends, reach * np.logspace(-7, 0, 300)]))


def worst_errors(reach: float, terms: np.ndarray) -> tuple[float, float]:
    """Return the relative error of exp(z) and the error of exp(−z), on far more points than were fitted."""
    z = np.linspace(0, reach, 100_001)
    powers = (z / reach) ** terms[:, :1]
    growing = np.abs((1 + terms[:, 1] @ powers) * np.exp(-z) - 1).max()
    return float(growing), float(np.abs(1 + terms[:, 2] @ powers - np.exp(-z)).max())


def fit_growing(reach: float, terms: int, rounds: int = 16) -> tuple[float, np.ndarray, np.ndarray]:
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


def smallest_error(basis: np.ndarray, wanted: np.ndarray, largest: float | None) -> tuple[float, np.ndarray]:
    """Return the least largest error of ``basis @ c``, and c: positive, or of either sign, up to ``largest``."""
    if largest is not None:
        basis = np.hstack([basis, -basis])
    columns, one = basis.shape[1], np.ones((len(wanted), 1))
    above = np.vstack([np.hstack([basis, -one]), np.hstack([-basis, -one])])
    limits = np.concatenate([wanted, -wanted])
    if largest is not None:
        above, limits = np.vstack([above, [*np.ones(columns), 0]]), np.append(limits, largest)
    solved = linprog([*np.zeros(columns), 1], A_ub=above, b_ub=limits, bounds=(0, None), method="highs")
    if solved.status != 0:
        return np.inf, np.zeros(columns)
    found = solved.x[:-1]
    return solved.x[-1], found if largest is None else found[: columns // 2] - found[columns // 2 :]


def fit_both(reach: float, count: int) -> np.ndarray | None:
    """Return ``count`` terms (exponent, growing, falling), or ``None`` where no such few do."""
    z = np.unique(np.concatenate([np.linspace(0, reach, 260), reach * np.linspace(0, 1, 90) ** 3]))
    falling_wanted, growing_wanted = np.exp(-z) - 1, 1 - np.exp(-z)

    def solve(exponents: np.ndarray) -> tuple[float, np.ndarray]:
        powers = (z / reach)[:, None] ** exponents
        basis = powers * np.exp(-z)[:, None]
        scale = basis.max(0)
        growing_error, growing = smallest_error(basis / scale, growing_wanted, None)
        falling_error, falling = smallest_error(powers, falling_wanted, LARGEST)
        miss = max(np.log(growing_error / GROWING_ERROR), np.log(falling_error / FALLING_ERROR))
        return miss, np.column_stack([exponents, growing / scale, falling])

    ladder = np.linspace(1, np.sqrt(max(count, 1.25 * reach + 4)), count) ** 2
    start = np.log(np.diff(np.append(0, ladder)))
    simplex = np.vstack([start, start + 0.2 * np.eye(count)])
    found = minimize(
        lambda p: solve(np.cumsum(np.exp(np.clip(p, -6, 4))))[0], start, method="Nelder-Mead",
        options={"maxfev": 90 * count, "xatol": 1e-3, "fatol": 1e-3, "initial_simplex": simplex},
    )  # fmt: skip
    return solve(np.cumsum(np.exp(found.x)))[1] if found.fun < 0 else None


def print_growing() -> None:
    """Print one row of the first table for every reach."""
    for reach in GROWING_REACHES:
        for count in range(max(2, int(2 + reach**0.5)), 20):
            _, exponents, coefficients = fit_growing(reach, count)
            terms = np.column_stack([exponents, coefficients, np.zeros(count)])
            if worst_errors(reach, terms)[0] <= GROWING_ERROR:
                pairs = ", ".join(f"({a:.9g}, {c:.9g})" for a, c, _ in terms)
                print(f"    {reach}: ({pairs}),", flush=True)
                break


def print_both() -> None:
    """Print one row of the second table for every reach, with the error of exp(−z) first."""
    for reach in BOTH_REACHES:
        for count in range(int(3 + 0.6 * reach), 30):
            terms = fit_both(reach, count)
            if terms is not None:
                error = worst_errors(reach, terms)[1] * 1.06
                rows = ", ".join(f"({a:.9g}, {g:.9g}, {f:.9g})" for a, g, f in terms)
                print(f"    {reach}: ({error:.1e}, ({rows})),", flush=True)
                break


if __name__ == "__main__":
    for table in sys.argv[1:] or ("growing", "both"):
        {"growing": print_growing, "both": print_both}[table]()
