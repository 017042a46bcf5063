"""The exponential as a short positive sum of real powers: what makes the softmax rule a few convolutions.

On 0 ≤ z ≤ M, exp(z) = 1 + Σ_k c_k (z/M)^{a_k} to a relative 5e-5, with c_k > 0 and *real* exponents a_k. A
power of a product is the product of the powers, so with z = τ·|w|·|x| each term costs one ordinary convolution
of |w|^a with |x|^a (and one transposed), and τ may differ from unit to unit, which the relative temperature
needs and an SVD of exp(ab) does not allow. Real exponents need far fewer terms than the 20 to 36 of the Taylor
series: 4 at M = 2, 6 at M = 8, 7 at M = 14, 8 at M = 20, beside the 1. All terms are positive, so nothing cancels, and
numerator and normalizer use the same sum, so shares add up exactly whatever the fit.

The table is printed by ``benchmarks/fit_exponential.py``.
"""

from __future__ import annotations

__all__ = ["FARTHEST", "REACHES", "Fit", "powers"]

#: (reach M, ((exponent, coefficient), ...)): exp(z) = 1 + Σ coefficient · (z/M)^exponent up to z = M.
Fit = tuple[float, tuple[tuple[float, float], ...]]

#: reach M: (exponent, coefficient) of each power of z/M. The relative error is below 5e-5, so shares are within
#: 3e-5 of the exact ones.
_TABLE: dict[float, tuple[tuple[float, float], ...]] = {
    0.5: ((1.00028385, 0.500723596), (2.02918026, 0.130972541), (3.38848377, 0.0170243729)),
    1: ((1.00194063, 1.00967235), (2.09338476, 0.574350143), (3.74934792, 0.134240361)),
    2: (
        (1.00088886, 2.01046467),
        (2.05221638, 2.2730827),
        (3.45803811, 1.74529976),
        (5.73053941, 0.36018946),
    ),
    4: (
        (1.00091998, 4.023998),
        (2.05118436, 9.37931179),
        (3.42874026, 18.4038491),
        (5.49829658, 17.9254232),
        (8.65277783, 3.86540822),
    ),
    8: (
        (1.00202438, 8.11206126),
        (2.08429046, 42.9282035),
        (3.57993657, 239.845409),
        (5.7977329, 917.69291),
        (8.92184782, 1374.24631),
        (13.3624024, 397.10717),
    ),
    14: (
        (1.00423818, 14.4282724),
        (2.13518694, 162.688865),
        (3.78846766, 2541.3939),
        (6.23580313, 35943.2428),
        (9.58185699, 268664.407),
        (13.9769752, 640748.512),
        (19.9104922, 254499.132),
    ),
    20: (
        (1.00493951, 20.7440285),
        (2.14895478, 365.297764),
        (3.84020448, 10873.2438),
        (6.33866811, 377933.182),
        (9.72192384, 9036391.03),
        (14.0577572, 92865297.9),
        (19.5101739, 265853358),
        (26.6452241, 117006154),
    ),
    28: (
        (1.00644899, 29.4073795),
        (2.17672865, 834.229223),
        (3.94424269, 50259.271),
        (6.5590112, 4530394.96),
        (10.0845273, 353846439),
        (14.5551017, 1.47648388e10),
        (20.034483, 2.19670603e11),
        (26.7074308, 7.99751027e11),
        (35.225657, 4.11643899e11),
    ),
    40: (
        (1.00382856, 41.2753796),
        (2.12610767, 1472.69336),
        (3.74917669, 121587.922),
        (6.13533174, 20313994),
        (9.35447702, 4.35513846e09),
        (13.4341182, 7.74473635e11),
        (18.3932589, 7.82639809e13),
        (24.2637879, 3.27215844e15),
        (31.1301399, 4.29197683e16),
        (39.2276384, 1.31865705e17),
        (49.3351736, 5.72439942e16),
    ),
}

#: The reaches M for which there is a sum, and the largest of them.
REACHES = tuple(_TABLE)
FARTHEST = REACHES[-1]


def powers(bound: float) -> Fit | None:
    """Return (M, ((exponent, coefficient), ...)) for the least M ≥ ``bound``; ``None`` beyond the table."""
    for reach, terms in _TABLE.items():
        if bound <= reach:
            return reach, terms
    return None
