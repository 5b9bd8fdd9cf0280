"""制度引擎: a policy is a document that runs. Data in, explained numbers out; no database, no clock, no chance.

load(path)                              text to Policy and issues
check(policy)                           references, circles, tables, dates: what would not work
plan(policy, metric), evaluate(...)     a metric as a plan; its value with the records behind it
statement(policy, who, period, world)   what somebody earned, every number open to its records
explain_text(policy, "zh")              the document in plain sentences
run_cases(path)                         given and expected, as the policy's author wrote them
"""

from .cases import CaseResult, Expectation, run_cases
from .check import check
from .document import Component, Expression, Goal, IncentivePlan, Later, Metric, Policy, Process, Stage, Step
from .formula import (
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
    Scope,
    Type,
    Unary,
    evaluator,
    names,
    parse,
    resolve,
    unparse,
)
from .goals import Pace, attainment, decompose, pace, person_quota, proration, ramp, shares, step_shares, target
from .incentive import statement
from .inputs import value_of
from .load import load, load_text
from .metrics import (
    FACTS,
    Derived,
    FactSchema,
    FieldType,
    Plan,
    PlanError,
    RowsOf,
    Schema,
    combine,
    evaluate,
    fact,
    plan,
    run,
)
from .prose import LINE_LABELS, Clause, explain_text
from .world import RowsWorld, Who, World

__all__ = [
    "FACTS",
    "LINE_LABELS",
    "Binary",
    "Call",
    "CaseResult",
    "Clause",
    "Component",
    "Derived",
    "Duration",
    "Expectation",
    "Expr",
    "Expression",
    "FactSchema",
    "Field",
    "FieldType",
    "FormulaError",
    "Goal",
    "In",
    "IncentivePlan",
    "Later",
    "Literal",
    "Metric",
    "Name",
    "Pace",
    "Plan",
    "PlanError",
    "Policy",
    "Process",
    "Row",
    "RowsOf",
    "RowsWorld",
    "Schema",
    "Scope",
    "Stage",
    "Step",
    "Type",
    "Unary",
    "Who",
    "World",
    "attainment",
    "check",
    "combine",
    "decompose",
    "evaluate",
    "evaluator",
    "explain_text",
    "fact",
    "load",
    "load_text",
    "names",
    "pace",
    "parse",
    "person_quota",
    "plan",
    "proration",
    "ramp",
    "resolve",
    "run",
    "run_cases",
    "shares",
    "statement",
    "step_shares",
    "target",
    "unparse",
    "value_of",
]
