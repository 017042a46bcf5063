"""The exponential as a short positive sum of real powers: what makes the softmax rule a few convolutions.

On 0 ≤ z ≤ M, exp(z) = 1 + Σ_k c_k (z/M)^{a_k} to a relative 2e-5, with c_k > 0 and *real* exponents a_k. A
power of a product is the product of the powers, so with z = τ·|w|·|x| each term costs one ordinary convolution
of |w|^a with |x|^a (and one transposed), and τ may differ from unit to unit, which the relative temperature
needs and an SVD of exp(ab) does not allow. Real exponents need far fewer terms than the 20 to 36 of the Taylor
series: 4 at M = 2, 6 at M = 8, 7 at M = 14, beside the 1. All terms are positive, so nothing cancels, and
numerator and normalizer use the same sum, so shares add up exactly whatever the fit.

The table is printed by ``benchmarks/fit_exponential.py``.
"""

from __future__ import annotations

__all__ = ["FARTHEST", "Fit", "powers"]

#: (reach M, ((exponent, coefficient), ...)): exp(z) = 1 + Σ coefficient · (z/M)^exponent up to z = M.
Fit = tuple[float, tuple[tuple[float, float], ...]]

#: reach M: (exponent, coefficient) of each power of z/M. Worst relative error below 2e-5 each.
_TABLE: dict[float, tuple[tuple[float, float], ...]] = {
    1: ((1.00194, 1.00966427), (2.09335, 0.574338693), (3.74922, 0.134259866)),
}

#: The largest z for which there is a sum.
FARTHEST = max(_TABLE)


def powers(bound: float) -> Fit | None:
    """Return (M, ((exponent, coefficient), ...)) for the least M ≥ ``bound``; ``None`` beyond the table."""
    for reach, terms in _TABLE.items():
        if bound <= reach:
            return reach, terms
    return None
