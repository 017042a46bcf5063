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
        (1.00077961, 14.0851547),
        (2.0445459, 119.258991),
        (3.37862597, 1206.98346),
        (5.2969765, 13250.0892),
        (7.92043864, 105522.503),
        (11.3323734, 414740.511),
        (15.6998292, 540598.989),
        (21.5354055, 127147.931),
    ),
    20: (
        (1.00110383, 20.177611),
        (2.05609396, 259.340438),
        (3.43908727, 4635.21909),
        (5.43860954, 108462.745),
        (8.15679743, 2243216.94),
        (11.6448772, 28037143.7),
        (15.9802308, 149922729),
        (21.3491246, 240000264),
        (28.3410744, 64846572.9),
    ),
    28: (
        (1.00179135, 28.4124392),
        (2.07719119, 567.021374),
        (3.54129646, 19194.5776),
        (5.67536084, 1035377.7),
        (8.56534971, 59185083),
        (12.2457425, 2.40941571e09),
        (16.754636, 4.94098461e10),
        (22.171315, 3.75920771e11),
        (28.7049558, 7.70426166e11),
        (37.0315328, 2.48020215e11),
    ),
    40: (
        (1.00088957, 40.3150407),
        (2.04960359, 1046.26567),
        (3.40960001, 46122.5053),
        (5.37715813, 4121798.63),
        (8.05673207, 540887154),
        (11.4818645, 7.21671898e10),
        (15.6729891, 7.01600076e12),
        (20.6510078, 3.71970911e14),
        (26.4555169, 8.37624795e15),
        (33.1851502, 6.36773984e16),
        (41.0971714, 1.24987802e17),
        (50.9912863, 3.79636924e16),
    ),
}

#: The largest z for which there is a sum.
FARTHEST = max(_TABLE)


def powers(bound: float) -> Fit | None:
    """Return (M, ((exponent, coefficient), ...)) for the least M ≥ ``bound``; ``None`` beyond the table."""
    for reach, terms in _TABLE.items():
        if bound <= reach:
            return reach, terms
    return None
