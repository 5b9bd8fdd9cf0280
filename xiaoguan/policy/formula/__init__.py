"""公式 formula: the expression language of a policy, parsed, typed and evaluated exactly.

A formula reads a few names and gives one value: `net_amount * (1 - discount)`, `status == 'signed'`,
`attainment(quota) >= 100%`. It has no loops, no assignment and no division except `ratio(n, d, empty=..)`, so it
always ends and never divides by nothing. Numbers are exact: `8%` is 8/100.

Three steps, each usable alone:

    parse("net_amount >= 1000")            text to a tree of seven small classes, or FormulaError with the column
    resolve(tree, {"net_amount": MONEY})   the same tree with units checked; 1000 has become an amount, 10 000 000 units
    evaluator(tree)                        a function from a row to int, Fraction, str, date, bool or None

**Missing** is the value None. Arithmetic with it gives missing. Over records a comparison with it does not hold,
whichever comparison it is, and `and`, `or`, `not` treat a missing condition as one that does not hold;
`rulebook/sql.py` compiles the same trees to SQL and must agree. About a person a comparison with it is not known
(`unknown=None`): `or` with a side that holds holds, `and` with one that does not does not, anything else is missing.
Source: spec/domain.md 8.1, 8.2 and 9.

    tree   the nodes      reading   text to tree      units   resolve      evaluating   tree to value
"""

from .evaluating import Evaluator, Named, evaluate, evaluator
from .reading import parse
from .tree import (
    COMPARISONS,
    NUMBERS,
    Binary,
    Call,
    Duration,
    Expr,
    Field,
    FormulaError,
    In,
    Literal,
    Name,
    Row,
    Type,
    Unary,
    Value,
    calls,
    children,
    dotted,
    names,
    rewrite,
    unparse,
    walk,
)
from .units import Scope, resolve

__all__ = [
    "COMPARISONS",
    "NUMBERS",
    "Binary",
    "Call",
    "Duration",
    "Evaluator",
    "Expr",
    "Field",
    "FormulaError",
    "In",
    "Literal",
    "Name",
    "Named",
    "Row",
    "Scope",
    "Type",
    "Unary",
    "Value",
    "calls",
    "children",
    "dotted",
    "evaluate",
    "evaluator",
    "names",
    "parse",
    "resolve",
    "rewrite",
    "unparse",
    "walk",
]
