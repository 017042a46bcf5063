"""The mathematics: capture, linearizations, rules, the walk and its ledger."""

from . import errors, ops, rules
from .accounts import Flow
from .attribution import Attribution, Ledger, Place, Step
from .decompose import Decomposition, decompose
from .equation import Comes, Gives, UnitEquation
from .errors import BadInput, BadTarget, BbpError, Cancelled, NotCaptured, UnknownRule, UnsupportedOp
from .linearization import Follows, Linearization, elementwise, linearizes, moves, supported_ops, tangent
from .local_model import LocalModel, NodeInfo, attribute, linearize
from .rules import Rule, as_rule
from .rules import names as rule_names

__all__ = [
    "Attribution", "BadInput", "BadTarget", "BbpError", "Cancelled", "Comes", "Decomposition", "Flow", "Follows",
    "Gives", "Ledger", "Linearization", "LocalModel", "NodeInfo", "NotCaptured", "Place", "Rule", "Step",
    "UnitEquation", "UnknownRule", "UnsupportedOp", "as_rule", "attribute", "decompose", "elementwise", "errors",
    "linearize", "linearizes", "moves", "ops", "rule_names", "rules", "supported_ops", "tangent",
]  # fmt: skip
