"""客户分类 classification: which class a customer is in by a rule of the policy, and why.

`pareto` puts customers in order of what they bring: a class holds the next share of the whole; whoever crosses a bound
is in the upper class, and equal values share the better one. `score` adds up points, or what people rated by weight. A
class that somebody has is left only when the bound is passed by `hysteresis`, so that nobody goes up and down with each
review.

    shares {A: 70%, B: 20%, C: 10%}; 60, 20, 15, 5 of 100 begin at 0%, 60%, 80%, 95%: A A B C

Source: spec/domain.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import TypeVar

from xiaoguan.base.money import SCALE

from .document import Classification, Point

Key = TypeVar("Key", str, int)


@dataclass(frozen=True)
class Placed:
    """分类结果: the class, and by what.

    value   what it brings, in units or a count; of a score the points
    place   the share of the whole that better ones bring; of a score None
    bound   of the class: pareto, the share below which it lies; score, the points from which on
    parts   of a score: what was counted and its points
    held    the class that it would have without hysteresis, where that is another
    """

    name: str
    value: Fraction | int
    place: Fraction | None
    bound: Fraction | int
    parts: Mapping[str, tuple[Fraction | int | None, Fraction | int]]
    held: str = ""


def pareto(rule: Classification, values: Mapping[Key, Fraction | int], before: Mapping[Key, str]) -> dict[Key, Placed]:
    """The class of everybody in `values`; nobody has one where all of them bring nothing."""
    whole = sum(max(value, 0) for value in values.values())
    if not whole:
        return {}
    bounds = list(_bounds(rule))
    names, slack = [name for name, _bound in bounds], rule.hysteresis or Fraction(0)
    found: dict[Key, Placed] = {}
    passed = Fraction(0)
    order = sorted(values, key=lambda key: (-values[key], key))
    for value, keys in groupby(order, key=lambda key: values[key]):
        place, same = passed / whole, list(keys)
        plain = _first([place < bound for _name, bound in bounds])
        made: dict[int, Placed] = {}
        for key in same:
            had = names.index(before[key]) if before.get(key) in names else plain
            up = [i >= plain and bounds[i][1] - place >= slack for i in range(had)]
            stay = [place - bounds[i][1] < slack for i in range(had, plain)]
            now = _moved(plain, had, up, stay)
            if now not in made:
                held = names[plain] if now != plain else ""
                made[now] = Placed(names[now], value, place, bounds[now][1], {}, held)
            found[key] = made[now]
        passed += max(value, 0) * len(same)
    return found


def _bounds(rule: Classification) -> Iterator[tuple[str, Fraction]]:
    """Each class, the best first, with the share of the whole below which it lies; the last has no bound."""
    total, names = Fraction(0), list(rule.shares)
    for name in names:
        total += rule.shares[name]
        yield name, total if name != names[-1] else Fraction(2)


def _first(holds: Sequence[bool]) -> int:
    """The first that holds, else the last."""
    return next((i for i, one in enumerate(holds) if one), len(holds) - 1)


def _moved(plain: int, had: int, up: Sequence[bool], stay: Sequence[bool]) -> int:
    """The class after a review. plain: without hysteresis; had: the one so far. up: for each class above that one,
    whether its bound is passed by enough; stay: for that one and those below it, whether it is not."""
    if plain < had:
        return next((i for i, enough in enumerate(up) if enough), had)
    return next((i for i, not_enough in enumerate(stay, had) if not_enough), plain)


def rated(rule: Classification, given: Mapping[str, Fraction | int], before: str) -> Placed | None:
    """The class of one customer by what people rated; None where something that counts is not rated."""
    if not rule.inputs.keys() <= given.keys():
        return None
    return _placed(rule, {name: (given[name], given[name] * weight) for name, weight in rule.inputs.items()}, before)


def scored(rule: Classification, counted: Mapping[str, Fraction | int | None], before: str) -> Placed:
    """The class of one customer by points. counted: by name, spend in units; what is missing has no points."""
    parts = {name: (counted.get(name), _points(rule.points[name], counted.get(name), name)) for name in rule.points}
    return _placed(rule, parts, before)


_Parts = Mapping[str, tuple[Fraction | int | None, Fraction | int]]


def _placed(rule: Classification, parts: _Parts, before: str) -> Placed:
    score = sum(points for _value, points in parts.values())
    classes, slack = list(rule.classes.items()), rule.hysteresis or 0
    names = [name for name, _bound in classes]
    plain = _first([score >= bound.start for _name, bound in classes])
    had = names.index(before) if before in names else plain
    up = [i >= plain and score - classes[i][1].start >= slack for i in range(had)]
    stay = [classes[i][1].start - score < slack for i in range(had, plain)]
    now = _moved(plain, had, up, stay)
    held = names[plain] if now != plain else ""
    return Placed(names[now], score, None, classes[now][1].start, parts, held)


def _points(steps: Sequence[Point], value: Fraction | int | None, name: str) -> Fraction | int:
    """The points of the last step that is reached."""
    if value is None:
        return 0
    reached = Fraction(value) / SCALE if name == "spend" else value
    return next((step.y.value for step in reversed(steps) if reached >= step.x.value), 0)
