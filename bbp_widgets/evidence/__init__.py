"""Whether the bias matters, and which rule explains it better: measured, with intervals, also where it looks bad.

`decomposition_accuracy` counts what the whole network, w·x alone and b alone answer. `deletion`, `insertion`,
`digit_switch`, `infidelity` and `randomization` test attributions, all behind one table of `methods`. Everything
random is seeded.

Captum (BSD-3-Clause) computes integrated gradients and infidelity where it is installed. Quantus has deletion (pixel
flipping) and randomization, too; it is LGPL and is not used here, only by a test that compares the two where it is
installed.
"""

from .accuracy import PAPER, UNDECIDED, Count, DecompositionAccuracy, compare, decomposition_accuracy
from .curves import Curves, deletion, insertion
from .infidelity import infidelity
from .intervals import bootstrap, wilson
from .methods import Method, Methods, methods
from .randomization import Randomization, randomization, rank_correlation
from .scores import Scores
from .switch import digit_switch
from .table import Table

__all__ = [
    "PAPER", "UNDECIDED", "Count", "Curves", "DecompositionAccuracy", "Method", "Methods", "Randomization", "Scores",
    "Table", "bootstrap", "compare", "decomposition_accuracy", "deletion", "digit_switch", "infidelity", "insertion",
    "methods", "randomization", "rank_correlation", "wilson",
]  # fmt: skip
