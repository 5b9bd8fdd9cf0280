"""Units: what fits together in a formula, and the tree in which bare numbers beside amounts have become amounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from xiaoguan.base.money import SCALE
from xiaoguan.base.words import did_you_mean

from .tree import (
    COMPARISONS,
    NUMBERS,
    PURE,
    Binary,
    Call,
    Duration,
    Expr,
    Field,
    FormulaError,
    In,
    Literal,
    Name,
    Type,
    Unary,
    dotted,
    plain,
    unparse,
)

_ARGUMENTS: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "ratio": ((2, 2), ("empty",)),
    "abs": ((1, 1), ()),
    "clamp": ((3, 3), ()),
    "round": ((1, 2), ()),
    "if": ((3, 3), ()),
    "min": ((2, 20), ()),
    "max": ((2, 20), ()),
    "default": ((2, 2), ()),
}


_INSTEAD = {
    **dict.fromkeys(("avg", "average"), "Write mean(x)."),
    **dict.fromkeys(("iif", "case", "when"), "Write if(condition, a, b)."),
    **dict.fromkeys(("coalesce", "ifnull", "nvl"), "Write default(x, y)."),
    **dict.fromkeys(("div", "divide"), "Write ratio(a, b, empty=missing)."),
    "sumif": "Write sum(if(condition, x, 0)), or put the condition into where.",
    "countif": "Write count_if(condition).",
}
"""Functions of spreadsheets and databases, and what they are called here."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The names a formula may read and their types; names that begin with an `open` prefix are of type ANY."""

    names: Mapping[str, Type]
    open: tuple[str, ...] = ()

    def type_of(self, name: str, at: int) -> Type:
        """FormulaError with a hint for a name that is not there."""
        if name in self.names:
            return self.names[name]
        if name.startswith(self.open):
            return Type.ANY
        known = f" Known are {', '.join(sorted(self.names))}." if 0 < len(self.names) <= 12 else ""
        raise FormulaError(f"{name!r} is not known here", at, (did_you_mean(name, self.names) + known).strip())


def resolve(tree: Expr, scope: Scope, expected: Type | None = None) -> tuple[Expr, Type]:
    """Check the units of a formula and give the tree in which bare numbers beside amounts have become amounts.

    expected   the type the whole must have, if any.
    Returns    (tree, type). FormulaError says in words what does not fit: an amount plus a ratio, an unknown name.
    """
    solved, type_ = _resolve(tree, scope)
    if expected is None or type_ is Type.ANY:
        return solved, type_
    fitted = _fit(solved, type_, expected)
    if fitted is None:
        raise FormulaError(f"{unparse(tree)!r} is {_a(type_)}, but {_a(expected)} is needed", _at(tree))
    return fitted, expected


def _resolve(tree: Expr, scope: Scope) -> tuple[Expr, Type]:
    match tree:
        case Literal(type=type_):
            return tree, type_
        case Name() | Field():
            return tree, scope.type_of(dotted(tree) or "", tree.at)
        case Unary(op=op, operand=operand):
            inner, type_ = _resolve(operand, scope)
            if op == "not":
                _need(inner, type_, Type.BOOL)
                return Unary("not", inner, tree.at), Type.BOOL
            if type_ not in NUMBERS | {Type.ANY}:
                raise FormulaError(f"{unparse(operand)!r} is {_a(type_)} and cannot be negated", tree.at)
            if isinstance(inner, Literal) and isinstance(inner.value, int | Fraction):
                return Literal(-inner.value, type_, tree.at), type_
            return Unary("-", inner, tree.at), type_
        case Binary(op=op):
            return _resolve_binary(tree, op, scope)
        case In(item=item, options=options):
            inner, type_ = _resolve(item, scope)
            fitted = tuple(_option(option, unparse(item), type_, scope) for option in options)
            return In(inner, fitted, tree.at), Type.BOOL
        case Call():
            return _resolve_call(tree, scope)


def _resolve_binary(tree: Binary, op: str, scope: Scope) -> tuple[Expr, Type]:
    left, a = _resolve(tree.left, scope)
    try:
        right, b = _resolve(tree.right, scope)
    except FormulaError as error:
        if op in COMPARISONS and a is Type.TEXT and isinstance(tree.right, Name) and not error.hint.startswith("Did"):
            error.hint = f"Text stands in single quotes: '{tree.right.name}'."
        raise
    if op in ("and", "or"):
        _need(left, a, Type.BOOL)
        _need(right, b, Type.BOOL)
        return Binary(op, left, right, tree.at), Type.BOOL
    if op == "*":
        return Binary(op, left, right, tree.at), _product(tree, a, b)
    if op in ("+", "-") and Type.DATE in (a, b):
        _need_days(right, units="dwmy")
        return Binary(op, left, right, tree.at), _date_sum(tree, op, a, b)
    left, right, type_ = _same(left, a, right, b, tree, op)
    if op in COMPARISONS:
        if type_ is Type.DURATION:
            named = any(isinstance(side, Name | Field) for side in (left, right))
            _need_days(left, right, units="dwmy" if named else "dw")
        if type_ is Type.MISSING:
            raise FormulaError("a comparison with missing never holds", tree.at)
        if type_ in (Type.TEXT, Type.BOOL) and op not in ("==", "!="):
            raise FormulaError(f"{_a(type_)} has no order: only == and != compare it", tree.at)
        return Binary(op, left, right, tree.at), Type.BOOL
    if type_ not in NUMBERS | {Type.ANY}:
        raise FormulaError(f"{_a(type_)} cannot be added or subtracted", tree.at)
    return Binary(op, left, right, tree.at), type_


_JOINED = {"+": "added", "-": "subtracted"}


def _same(left: Expr, a: Type, right: Expr, b: Type, tree: Expr, op: str) -> tuple[Expr, Expr, Type]:
    """Both sides in one type: equal types, or a bare number that takes the type of the other side."""
    if Type.MISSING in (a, b):
        return left, right, Type.MISSING
    if Type.ANY in (a, b):
        return left, right, b if a is Type.ANY else a
    if (fitted := _fit(right, b, a)) is not None:
        return left, fitted, a
    if (fitted := _fit(left, a, b)) is not None:
        return fitted, right, b
    hint = "Write the date as date('2026-04-01')." if {a, b} == {Type.DATE, Type.TEXT} else ""
    verb = _JOINED.get(op, "compared")
    message = f"{unparse(left)!r} is {_a(a)} and {unparse(right)!r} is {_a(b)}: they cannot be {verb}"
    raise FormulaError(message, _at(tree), hint)


def _fit(tree: Expr, type_: Type, wanted: Type) -> Expr | None:
    """The tree as the wanted type, if it may stand for it."""
    if type_ in (wanted, Type.ANY, Type.MISSING) or (type_ is Type.NUMBER and wanted in PURE):
        return tree
    if isinstance(tree, Literal) and type_ is Type.NUMBER and wanted is Type.MONEY:
        assert isinstance(tree.value, int | Fraction)
        units = Fraction(tree.value) * SCALE
        return Literal(plain(units), Type.MONEY, tree.at)
    if wanted is Type.NUMBER and type_ in PURE:
        return tree
    return None


def _product(tree: Binary, a: Type, b: Type) -> Type:
    types = {a, b}
    if Type.ANY in types or Type.MISSING in types:
        return Type.MONEY if Type.MONEY in types else Type.ANY
    if not types <= NUMBERS or a == b == Type.MONEY:
        message = f"{unparse(tree.left)!r} is {_a(a)} and {unparse(tree.right)!r} is {_a(b)}: they cannot be multiplied"
        raise FormulaError(message, tree.at)
    if Type.MONEY in types:
        return Type.MONEY
    return Type.RATIO if types == {Type.RATIO} else Type.NUMBER


def _date_sum(tree: Binary, op: str, a: Type, b: Type) -> Type:
    if (a, b) == (Type.DATE, Type.DURATION):
        return Type.DATE
    if op == "-" and (a, b) == (Type.DATE, Type.DATE):
        return Type.DURATION
    message = f"{unparse(tree.left)!r} is {_a(a)} and {unparse(tree.right)!r} is {_a(b)}: they cannot be {_JOINED[op]}"
    raise FormulaError(message, tree.at, "To a date only a duration can be added, such as 30d.")


def _need_days(*trees: Expr, units: str = "dw") -> None:
    """Only days and weeks can be compared, and only they, months and years added to a date."""
    for tree in trees:
        if isinstance(tree, Literal) and isinstance(tree.value, Duration) and tree.value.unit not in units:
            raise FormulaError(f"{tree.value} cannot be used here", tree.at, f"Write it in {' or '.join(units)}.")


def _option(option: Expr, item: str, type_: Type, scope: Scope) -> Expr:
    inner, other = _resolve(option, scope)
    if not isinstance(inner, Literal):
        raise FormulaError(f"{unparse(option)!r} is not a constant; a list holds constants", _at(option))
    fitted = _fit(inner, other, type_) if type_ is not Type.ANY else inner
    if fitted is None:
        raise FormulaError(f"{item!r} is {_a(type_)} but {unparse(option)!r} is {_a(other)}", _at(option))
    return fitted


def _resolve_call(tree: Call, scope: Scope) -> tuple[Expr, Type]:
    count, keys = _ARGUMENTS.get(tree.name, (None, ()))
    if count is None:
        hint = _INSTEAD.get(tree.name.lower(), "") or did_you_mean(tree.name, _ARGUMENTS)
        raise FormulaError(f"{tree.name}() is not a function that can stand here", tree.at, hint)
    if not count[0] <= len(tree.args) <= count[1]:
        wanted = str(count[0]) if count[0] == count[1] else f"{count[0]} to {count[1]}"
        raise FormulaError(f"{tree.name}() takes {wanted} arguments, not {len(tree.args)}", tree.at)
    for key, _ in tree.named:
        if key not in keys:
            raise FormulaError(f"{tree.name}() has no argument {key!r}", tree.at, did_you_mean(key, keys))
    args = [_resolve(arg, scope) for arg in tree.args]
    if tree.name == "ratio":
        return _resolve_ratio(tree, args, scope)
    if tree.name == "if":
        _need(*args.pop(0), Type.BOOL)
    elif tree.name != "default":
        for (arg, type_), written in zip(args, tree.args, strict=True):
            if type_ not in NUMBERS | {Type.ANY, Type.MISSING}:
                raise FormulaError(f"{unparse(written)!r} is {_a(type_)}; {tree.name}() takes numbers", _at(arg))
    trees, type_ = _all_same(args, tree)
    if tree.name == "if":
        trees = [_resolve(tree.args[0], scope)[0], *trees]
    return Call(tree.name, tuple(trees), (), tree.at), type_


def _resolve_ratio(tree: Call, args: list[tuple[Expr, Type]], scope: Scope) -> tuple[Expr, Type]:
    (above, a), (below, b) = args
    for written, type_ in zip(tree.args, (a, b), strict=True):
        if type_ not in NUMBERS | {Type.ANY, Type.MISSING}:
            raise FormulaError(f"{unparse(written)!r} is {_a(type_)}; ratio() divides numbers", _at(written))
    if b is Type.MONEY and a is not Type.MONEY and a is not Type.ANY:
        raise FormulaError(f"ratio() of {_a(a)} to an amount has no unit", tree.at)
    type_ = Type.MONEY if a is Type.MONEY and b in PURE else Type.ANY if Type.ANY in (a, b) else Type.RATIO
    if a is Type.COUNT and b is Type.RATIO:
        type_ = Type.NUMBER
    empty = tree.get("empty")
    if empty is None:
        return Call("ratio", (above, below), (), tree.at), type_
    fallback = resolve(empty, scope, None if type_ is Type.ANY else type_)[0]
    return Call("ratio", (above, below), (("empty", fallback),), tree.at), type_


def _all_same(args: list[tuple[Expr, Type]], tree: Call) -> tuple[list[Expr], Type]:
    """All arguments in the type of those that are not bare numbers."""
    first, type_ = args[0]
    for other, b in args[1:]:
        first, _, type_ = _same(first, type_, other, b, tree, "compared")
        if type_ is Type.MISSING:
            type_ = next((t for _, t in args if t is not Type.MISSING), Type.MISSING)
    return [_fit(arg, t, type_) or arg for arg, t in args], type_


def _need(tree: Expr, type_: Type, wanted: Type) -> None:
    if type_ not in (wanted, Type.ANY, Type.MISSING):
        raise FormulaError(f"{unparse(tree)!r} is {_a(type_)}, but {_a(wanted)} is needed", _at(tree))


def _at(tree: Expr) -> int:
    return tree.at


def _a(type_: Type) -> str:
    article = "" if type_ in (Type.TEXT, Type.MISSING) else "an " if type_.value[0] in "a" else "a "
    return article + type_.value
