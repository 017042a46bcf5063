"""The exponential as a short sum of real powers: what makes rules by exp(±|s|) a few convolutions.

On 0 ≤ z ≤ M, exp(z) = 1 + Σ_k c_k (z/M)^{a_k} to a relative 1.3e-4, with c_k > 0 and *real* exponents a_k. A
power of a product is the product of the powers, so with z = τ·|w|·|x| each term costs one ordinary convolution
of |w|^a with |x|^a (and one transposed), and τ may differ from unit to unit, which the relative temperature
needs and an SVD of exp(ab) does not allow. Real exponents need far fewer terms than the 20 to 36 of the Taylor
series: 3 at M = 2, 5 at M = 8, 7 at M = 18, beside the 1. All terms are positive, so nothing cancels, and
numerator and normalizer use the same sum, so shares add up exactly whatever the fit.

exp(−z) wants coefficients of either sign. A second table gives both from the same powers: 5 at M = 2, 9 at M = 8,
15 at M = 18, exp(−z) to a few 1e-5 of one. Whether that is exact enough for a unit is seen from its sum
(``power_shares.py``).

The tables are printed by ``benchmarks/fit_exponential.py``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

__all__ = ["FARTHEST", "Fit", "fit_for", "fits"]


@dataclass(frozen=True, slots=True)
class Fit:
    """exp(z) ≈ 1 + Σ growing · (z/reach)^exponent, and falling likewise exp(−z), for 0 ≤ z ≤ reach."""

    reach: float
    terms: tuple[tuple[float, float, float], ...]  # (exponent, growing, falling)
    falling_error: float = 0.0  # the largest |error| of exp(−z)


#: reach M: (exponent, coefficient) of each power of z/M. The relative error is below 1.3e-4, so shares are
#: within 7e-5 of the exact ones.
_GROWING: dict[float, tuple[tuple[float, float], ...]] = {
    0.75: ((1.00088495, 0.753343864), (2.05825802, 0.307469443), (3.57109752, 0.0561818939)),
    2: ((1.01158309, 2.11236869), (2.27220093, 2.94271943), (4.43874554, 1.33323481)),
    4.6: (
        (1.01306913, 4.93923949),
        (2.28164711, 19.5915706),
        (4.34888538, 48.3907372),
        (7.69246758, 25.5503891),
    ),
    8.2: (
        (1.01344731, 8.88850232),
        (2.28342014, 73.2948284),
        (4.32291156, 572.537594),
        (7.42179792, 1884.855),
        (11.9706397, 1099.89579),
    ),
    12.5: (
        (1.01235745, 13.5389255),
        (2.26764119, 184.187281),
        (4.26161831, 3249.52819),
        (7.23863472, 37358.4553),
        (11.3451923, 142177.82),
        (17.0223313, 85321.568),
    ),
    18.4: (
        (1.01340715, 20.1566204),
        (2.28150398, 460.819392),
        (4.30364108, 18087.0584),
        (7.3040773, 650243.56),
        (11.360491, 11149929.5),
        (16.6109275, 51899896),
        (23.5717565, 34221643.2),
    ),
    25: (
        (1.01325501, 27.4720508),
        (2.27940529, 921.027409),
        (4.29594073, 66578.716),
        (7.28262517, 5912876.22),
        (11.2958888, 339971488),
        (16.3903343, 7.38611923e09),
        (22.7210611, 3.81382912e10),
        (30.8833836, 2.61251344e10),
    ),
    32: (
        (1.01201751, 34.9819428),
        (2.26239113, 1523.29259),
        (4.24019676, 169583.508),
        (7.17043169, 29865142.3),
        (11.1055906, 4.46858509e09),
        (16.072217, 3.33001945e11),
        (22.1245477, 8.00371564e12),
        (29.4413666, 4.21516558e13),
        (38.6958381, 2.84613013e13),
    ),
    40: (
        (1.01139329, 43.6517137),
        (2.25385338, 2444.26318),
        (4.21153557, 406497.784),
        (7.10867178, 131973297),
        (10.9943409, 4.57692988e10),
        (15.8871927, 1.00316687e13),
        (21.8095703, 9.04247209e14),
        (28.8239091, 2.34897179e16),
        (37.134412, 1.26155927e17),
        (47.4927491, 8.48011266e16),
    ),
}

_GROWING_FITS = tuple(
    Fit(reach, tuple((exponent, c, 0.0) for exponent, c in terms)) for reach, terms in _GROWING.items()
)
#: The largest reach.
FARTHEST = _GROWING_FITS[-1].reach

#: reach M: (largest error of exp(−z), ((exponent, coefficient for exp(z), coefficient for exp(−z)), ...)).
_BOTH: dict[float, tuple[float, tuple[tuple[float, float, float], ...]]] = {
    1: (
        3.9e-06,
        (
            (1.00078324, 1.00347727, -1.00374611),
            (1.9808878, 0.448981229, 0.499962822),
            (2.83221124, 0.230714015, -0.13304687),
            (4.94852291, 0.0351812627, 0.00471323178),
        ),
    ),
    2: (
        7.6e-06,
        (
            (1.00040207, 2.00758132, -2.00250326),
            (2.04118113, 2.09359278, 2.43162591),
            (2.63129445, 0.672294391, -1.42783273),
            (4.00022847, 1.55766912, 0.136171513),
            (8.95069553, 0.0582911996, -0.00213325152),
        ),
    ),
    3: (
        2.8e-06,
        (
            (0.999610347, 2.99847931, -2.99205618),
            (2.03263485, 5.04314227, 5.00071266),
            (2.93001359, 0.0879867999, -6.52583812),
            (3.37033374, 6.6168181, 3.68888903),
            (5.35796351, 3.98644022, -0.127240725),
            (8.82586052, 0.353048257, 0.00532300161),
        ),
    ),
    4.5: (
        9.6e-06,
        (
            (1.00077607, 4.51756019, -4.51842452),
            (1.99560862, 9.82024994, 10.1984404),
            (3.06459323, 20.476269, -26.7146859),
            (3.39614132, 0, 21.6498793),
            (4.90771469, 37.7014229, -1.73909931),
            (7.96723236, 15.9857461, 0.16252394),
            (10.8151301, 0.512678851, -0.0275339636),
        ),
    ),
    6: (
        1.9e-05,
        (
            (1.001279, 6.02707065, -6.04087006),
            (2.00248819, 18.6819905, 18.964093),
            (2.96032184, 0, -51.2206212),
            (3.33374921, 75.4149354, 40.3530018),
            (5.70495433, 196.644647, -5.4979044),
            (7.32389886, 4.72078998, 3.1841188),
            (9.57990393, 100.953347, -0.817146974),
            (13.3354764, 0, 0.0778253953),
        ),
    ),
    8: (
        1e-05,
        (
            (0.999080069, 7.99299463, -7.94336997),
            (2.07482531, 43.0618139, 44.4221042),
            (2.75435932, 0, -82.8439876),
            (3.61659505, 251.492976, 74.5169358),
            (4.78984649, 7.30413679, -46.4278426),
            (5.82638841, 881.277325, 18.9520959),
            (8.75269232, 1290.58541, -2.0644494),
            (12.2707813, 417.604931, 0.475622122),
            (15.6639911, 80.8532495, -0.0867827923),
        ),
    ),
    11: (
        8.6e-06,
        (
            (0.99951193, 10.9888191, -10.9552979),
            (2.03788847, 71.4870006, 71.3157714),
            (2.9076268, 61.8389639, -245.262068),
            (3.59420574, 603.744413, 331.229885),
            (4.72580347, 727.034125, -269.674959),
            (6.00523477, 4838.17823, 202.820755),
            (7.38949891, 4621.17754, -106.433437),
            (9.48595704, 20972.8777, 32.4971567),
            (12.7130979, 19009.4386, -8.99450269),
            (15.8888033, 6595.29659, 3.11831715),
            (18.5829776, 2359.39562, -0.661609794),
        ),
    ),
    14: (
        2.8e-05,
        (
            (1.00165083, 14.1413442, -14.1455351),
            (1.9982359, 91.8076588, 103.052509),
            (2.82509099, 299.963979, -302.123148),
            (3.93169084, 1918.33821, 722.721003),
            (5.02072262, 4065.90805, -1320.13291),
            (6.17117864, 17357.729, 1512.97264),
            (7.95854277, 82331.7702, -1720.77288),
            (9.39309278, 0, 1699.89552),
            (10.9703288, 374048.46, -805.899833),
            (15.333248, 574671.302, 257.066773),
            (18.1591772, 0, -227.886183),
            (20.4845097, 102951.35, 117.372373),
            (22.8267548, 44881.3027, -23.1203431),
        ),
    ),
    18: (
        3.2e-05,
        (
            (0.999356777, 18.0272966, -17.8772964),
            (2.08776164, 240.517385, 255.987322),
            (2.76553944, 0, -908.220409),
            (3.49500094, 2878.65221, 1445.90229),
            (4.61430653, 11879.1973, -1752.95375),
            (5.86603506, 37593.2639, 1916.88076),
            (7.37270768, 411683.313, -1659.73438),
            (8.93477802, 361047.129, 835.26152),
            (11.2125518, 6508484.03, 398.671851),
            (13.1139787, 2953481.62, -1207.74403),
            (16.5078765, 32710877.3, 2637.10479),
            (18.2067308, 0, -2960.14138),
            (20.7670118, 3580532.22, 1368.44212),
            (23.4160139, 18668065.3, -385.7231),
            (27.2482544, 406582.794, 33.1437126),
        ),
    ),
}
_BOTH_FITS = tuple(Fit(reach, terms, error) for reach, (error, terms) in _BOTH.items())

#: So many units are looked at to choose a sum: what the choice changes is the time, not the shares.
_SEEN = 1 << 15
#: What a unit written out costs, in terms that it saves all others: some hundred, where few are.
_ONE_BY_ONE = 300


def fits(both_ways: bool) -> tuple[Fit, ...]:
    """Return the sums there are, shortest reach first; ``both_ways`` for those that give exp(−z) too."""
    return _BOTH_FITS if both_ways else _GROWING_FITS


def fit_for(bound: Tensor, both_ways: bool = False) -> Fit:
    """Return the cheapest sum of powers for units whose exponents have these bounds.

    A unit beyond its reach is written out by itself, which may be cheaper than a longer sum for all.
    """
    best, least = None, math.inf
    if bound.numel() > 2 * _SEEN:
        bound = bound.flatten()[:: bound.numel() // _SEEN]
    for fit in fits(both_ways):
        beyond = float((bound > fit.reach).float().mean())
        cost = len(fit.terms) + _ONE_BY_ONE * beyond
        if cost < least:
            best, least = fit, cost
    assert best is not None
    return best
