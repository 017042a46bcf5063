"""Whether the bias matters, and which rule explains it better: measured, with intervals, also where it looks bad.

`decomposition_accuracy` counts what the whole network, w·x alone and b alone answer. `deletion`, `insertion`,
`digit_switch`, `infidelity` and `randomization` test attributions, all behind one table of `methods`. Everything
random is seeded.

What others measure well is asked of them, where they are installed (`pip install "bbp_widgets[evidence]"`). Captum
(BSD-3-Clause) computes integrated gradients and infidelity. `by_quantus` scores the same methods with a metric of
Quantus (LGPL: it is handed in, never imported or copied from), such as faithfulness correlation and sensitivity, of
which there is none here. Three are our own. Deletion is Quantus' pixel flipping, to the last digit of a test; here it
keeps the whole curve of every sample, and insertion is its mirror. Quantus randomizes by drawing parameters anew, after
which a batch norm has no bias left to explain; here they are shuffled. The digit switch has neither of the two.
"""

from .accuracy import PAPER, UNDECIDED, Count, DecompositionAccuracy, compare, decomposition_accuracy
from .curves import Curves, deletion, insertion
from .infidelity import infidelity
from .intervals import bootstrap, wilson
from .methods import Method, Methods, methods
from .quantus import by_quantus
from .randomization import Randomization, randomization, rank_correlation
from .scores import Scores
from .switch import digit_switch
from .table import Table

__all__ = [
    "PAPER", "UNDECIDED", "Count", "Curves", "DecompositionAccuracy", "Method", "Methods", "Randomization", "Scores",
    "Table", "bootstrap", "by_quantus", "compare", "decomposition_accuracy", "deletion", "digit_switch", "infidelity",
    "insertion", "methods", "randomization", "rank_correlation", "wilson",
]  # fmt: skip
