"""Decides whether a declared relation holds between boxes, independently of the layouts' own code."""

from __future__ import annotations

from itertools import combinations, pairwise

from evalkit.api.records import Box, Relation


def holds(relation: Relation, boxes: dict[str, Box]) -> bool:
    b, slack = [boxes[id] for id in relation.elements], relation.tolerance_px
    match relation.kind:
        case "above":
            return all(one.y1 <= other.y0 + slack for one, other in pairwise(b))
        case "left-of":
            return all(one.x1 <= other.x0 + slack for one, other in pairwise(b))
        case "inside":
            inner, outer = b
            return (
                inner.union(outer).area
                <= Box(outer.x0 - slack, outer.y0 - slack, outer.x1 + slack, outer.y1 + slack).area
                and inner.intersection(outer) >= 0.9 * inner.area
            )
        case "aligned-left":
            return _spread([box.x0 for box in b]) <= slack
        case "aligned-right":
            return _spread([box.x1 for box in b]) <= slack
        case "aligned-top":
            return _spread([box.y0 for box in b]) <= slack
        case "aligned-center":
            return _spread([(box.x0 + box.x1) / 2 for box in b]) <= slack
        case "evenly-spaced":
            xs, ys = [(box.x0 + box.x1) / 2 for box in b], [(box.y0 + box.y1) / 2 for box in b]
            along = xs if _spread(xs) > _spread(ys) else ys
            return _spread([after - before for before, after in pairwise(along)]) <= slack
        case "no-overlap":
            return all(one.intersection(other) == 0 for one, other in combinations(b, 2))
        case "reading-order":
            return all(one.y1 <= other.y0 or (one.x1 <= other.x0 and one.y0 < other.y1) for one, other in pairwise(b))
    raise AssertionError(f"unknown relation {relation.kind!r}")


def _spread(values: list[float]) -> float:
    return max(values) - min(values)
