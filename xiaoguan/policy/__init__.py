"""制度引擎: a policy is a document that runs. Data in, explained numbers out; no database, no clock, no chance.

load(path)                              text to Policy and issues
check(policy)                           references, circles, tables, dates: what would not work
plan(policy, metric), evaluate(...)     a metric as a plan; its value with the records behind it
statement(policy, who, period, world)   what somebody earned, every number open to its records
explain_text(policy, "zh")              the document in plain sentences
run_cases(path)                         given and expected, as the policy's author wrote them
"""

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

__all__ = [
    "FACTS",
    "Binary",
    "Call",
    "Component",
    "Derived",
    "Duration",
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
    "Plan",
    "PlanError",
    "Policy",
    "Process",
    "Row",
    "RowsOf",
    "Schema",
    "Scope",
    "Stage",
    "Step",
    "Type",
    "Unary",
    "combine",
    "evaluate",
    "evaluator",
    "fact",
    "load",
    "load_text",
    "names",
    "parse",
    "plan",
    "resolve",
    "run",
    "unparse",
]
