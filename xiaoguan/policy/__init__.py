"""制度引擎: a policy is a document that runs. Data in, explained numbers out; no database, no clock, no chance.

load(path)                              text to Policy and issues
check(policy)                           references, circles, tables, dates: what would not work
plan(policy, metric), evaluate(...)     a metric as a plan; its value with the records behind it
statement(policy, who, period, world)   what somebody is paid, every number open to its records
appraise(policy, appraisal, who, ...)   somebody's scores and grade
work_out(policy, goal, period, facts)   a goal from the whole down to a person's month; assess: is it reasonable
diff(a, b), backtest(a, b, ...)         what changes between two policies, in meaning and in money
compile_component(policy, component)    a commission as SQL over integers, for millions of lines
reckon(policy, read_folder(...), ...)   everybody's numbers from a folder of files
explain_text(policy, "zh")              the document in plain sentences
run_cases(path)                         given and expected, as the policy's author wrote them
"""

from .appraisal import Appraised, Rating, appraise
from .bulk import NotBulk, compile_component
from .cases import CaseResult, Expectation, run_cases
from .check import check
from .compare import Backtest, Change, backtest, diff
from .document import Component, Expression, Goal, IncentivePlan, Later, Metric, Policy, Process, Stage, Step
from .folder import Folder, read_folder
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
from .incentive import ENGINE, statement, statement_of_versions
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
from .reasonable import Evidence, assess
from .reckon import reckon
from .targets import Targets, work_out
from .world import Book, Facts, RowsWorld, Span, Who, World

__all__ = [
    "ENGINE",
    "FACTS",
    "LINE_LABELS",
    "Appraised",
    "Backtest",
    "Binary",
    "Book",
    "Call",
    "CaseResult",
    "Change",
    "Clause",
    "Component",
    "Derived",
    "Duration",
    "Evidence",
    "Expectation",
    "Expr",
    "Expression",
    "FactSchema",
    "Facts",
    "Field",
    "FieldType",
    "Folder",
    "FormulaError",
    "Goal",
    "In",
    "IncentivePlan",
    "Later",
    "Literal",
    "Metric",
    "Name",
    "NotBulk",
    "Pace",
    "Plan",
    "PlanError",
    "Policy",
    "Process",
    "Rating",
    "Row",
    "RowsOf",
    "RowsWorld",
    "Schema",
    "Scope",
    "Span",
    "Stage",
    "Step",
    "Targets",
    "Type",
    "Unary",
    "Who",
    "World",
    "appraise",
    "assess",
    "attainment",
    "backtest",
    "check",
    "combine",
    "compile_component",
    "decompose",
    "diff",
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
    "read_folder",
    "reckon",
    "resolve",
    "run",
    "run_cases",
    "shares",
    "statement",
    "statement_of_versions",
    "step_shares",
    "target",
    "unparse",
    "value_of",
    "work_out",
]
