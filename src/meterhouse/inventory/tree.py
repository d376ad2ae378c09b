"""The project tree as parents: put in order, and kept free of circles."""

from collections.abc import Mapping
from typing import TypeVar

Node = TypeVar("Node", int, str)


def parents_first(parents: Mapping[Node, Node | None]) -> tuple[list[Node], set[Node]]:
    """Order nodes so that each comes after its parent.

    parents: node to parent; a parent that is no node itself counts as the top

    Returns the order, and the nodes that have no place in it: those in a circle or below one.
    """
    below: dict[Node, list[Node]] = {}
    order: list[Node] = []
    for node, parent in parents.items():
        if parent is None or parent not in parents:
            order.append(node)
        else:
            below.setdefault(parent, []).append(node)
    for node in order:  # grows while it is walked
        order.extend(below.get(node, ()))
    return order, parents.keys() - set(order)


def without_circles(
    parents: Mapping[Node, Node | None], wanted: Mapping[Node, Node | None]
) -> tuple[dict[Node, Node | None], set[Node]]:
    """Move nodes to the parents wanted, but leave where they are those that close a circle.

    parents: the tree as it is, without circles

    Returns the moves to make and the nodes left.
    """
    moves = dict(wanted)
    left: set[Node] = set()
    while True:
        _, stuck = parents_first({**parents, **moves})
        refused = stuck & moves.keys()
        if not refused:
            return moves, left
        left |= refused
        moves = {node: parent for node, parent in moves.items() if node not in refused}
