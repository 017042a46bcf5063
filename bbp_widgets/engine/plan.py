"""Which rule at which node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

from .errors import UnknownRule, listed
from .graph import Node
from .rules import Rule, as_rule

__all__ = ["Plan", "resolve_plan"]

#: Keys are "first" or "last" (mixing node, counted from the input), an op's name such as "convolution", a node's
#: name, or a module's path, where ``*`` stands for anything. The first key that fits a node is taken.
Plan = Mapping[str, "str | Rule"]


def resolve_plan(
    rule: str | Rule, plan: Plan | None, mixing_nodes: Sequence[Node]
) -> Callable[[Node | None], Rule]:
    """Return the function that gives each node its rule; the target itself has the default rule.

    Raises: ``UnknownRule`` for a name that is no rule, or a key that fits no node.
    """
    default = as_rule(rule)
    chosen: dict[Node, Rule] = {}
    for key, name in (plan or {}).items():
        entry = as_rule(name)
        matching = [node for node in mixing_nodes if _fits(key, node, mixing_nodes)]
        if not matching:
            places = listed(sorted({node.module or node.name for node in mixing_nodes}))
            raise UnknownRule(
                f'plan entry "{key}" fits no node that shares by rule.\n'
                f"  Such nodes are in: {places}.\n"
                '  A key is "first", "last", an op, a node or a module path like "layer3.*".'
            )
        for node in matching:
            chosen.setdefault(node, entry)
    return lambda node: default if node is None else chosen.get(node, default)


def _fits(key: str, node: Node, nodes: Sequence[Node]) -> bool:
    if key in ("first", "last"):
        return node is (nodes[0] if key == "first" else nodes[-1])
    return key in (node.op_name, node.name) or fnmatchcase(node.module, key)
