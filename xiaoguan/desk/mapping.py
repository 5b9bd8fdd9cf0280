"""An import plan (导入方案): a readable YAML that says how a folder of foreign tables becomes records here.

    import: adventureworks                     # the source that every record remembers
    currency: USD
    tables:
      - into: order
        from: SalesOrderHeader.csv.gz
        key: SalesOrderID
        fields:
          number: "SO{SalesOrderID}"
          customer: CustomerID                 # a relation: the key that the customer was imported under
          ordered_on: OrderDate
          net_amount: SubTotal

`load_plan` reads and checks everything that can be known without the tables; docs/reference/import-plan.md has every
key. Nothing here touches the database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import models

from xiaoguan.base.issues import Issue, has_errors
from xiaoguan.base.words import closest, did_you_mean
from xiaoguan.desk.fields import MoneyField
from xiaoguan.desk.records import Record
from xiaoguan.policy.formula import Duration, Expr, FormulaError, names, parse
from xiaoguan.policy.load import Node, read_duration, read_tree

_SOURCE = re.compile(r"[\w.-]{1,40}$")
_HOLE = re.compile(r"\{([^{}]*)\}")
NUMBERS = re.compile(r"1(?P<thousands>[., '\u2019\u00a0]?)234(?P<decimal>[.,])56")
ORIGINS = ("column", "template", "const", "formula", "first")


@dataclass(frozen=True)
class Spec:
    """Where one value comes from and what happens to it on the way, in the order of the fields below `options`.

    origin    one of ORIGINS; text the column, template, constant or formula; options the alternatives of `first`.
    """

    origin: str
    text: str
    path: str
    line: int
    tree: Expr | None = None
    options: tuple[Spec, ...] = ()
    replace: tuple[tuple[re.Pattern[str], str], ...] = ()
    map: dict[str, str | None] | None = None
    default: str | None = None
    date: tuple[str, ...] = ()
    add: Duration | None = None
    round: int | None = None
    by: str = ""

    @property
    def holes(self) -> list[str]:
        """The columns that a template names, in order."""
        return [name.strip() for name in _HOLE.findall(self.text)] if self.origin == "template" else []

    @property
    def reads(self) -> set[str]:
        """Every column that the value is made from."""
        found = {name for option in self.options for name in option.reads}
        found |= {self.text} if self.origin == "column" else set()
        return found | set(self.holes) | (names(self.tree) if self.tree is not None else set())


@dataclass(frozen=True)
class Reading:
    """How a file is read: what the table says, else what the plan says, else what is found out."""

    file: str
    sheet: str = ""
    header: int = 0
    encoding: str = ""
    delimiter: str = ""
    nulls: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class Join:
    """Columns of another file beside each row, as `alias.column`; `total` sums a formula over all its matching rows."""

    reading: Reading
    alias: str
    on: tuple[tuple[str, str], ...]
    required: bool
    pick: str
    total: dict[str, Spec]
    path: str
    line: int


@dataclass(frozen=True)
class TablePlan:
    """One file (or the rows written in the plan) into one entity."""

    number: int
    model: type[Record]
    reading: Reading | None
    inline: tuple[dict[str, Node], ...]
    where: Spec | None
    let: dict[str, Spec]
    joins: tuple[Join, ...]
    key: Spec | None
    match: tuple[str, ...]
    distinct: bool
    fields: dict[str, Spec]
    skip: bool
    dates: tuple[str, ...]
    numbers: str
    line: int

    @property
    def entity(self) -> str:
        return str(self.model._meta.model_name)

    @property
    def file(self) -> str:
        return self.reading.file if self.reading else "plan"

    @property
    def path(self) -> str:
        return f"tables[{self.number}]"


@dataclass(frozen=True)
class Plan:
    source: str
    currency: str
    tables: tuple[TablePlan, ...]
    file: str = ""


def load_plan(path: str | Path) -> tuple[Plan | None, list[Issue]]:
    """The plan in a file and every issue found; None when one is an error."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return None, [Issue("error", f"the plan cannot be read: {error}", file=str(path), code="import.plan")]
    tree, issues = read_tree(text, str(path))
    if tree is None:
        return None, issues
    reader = _Reader(str(path))
    plan = reader.plan(tree)
    return (None if has_errors(reader.issues) else plan), reader.issues


def entities() -> dict[str, type[Record]]:
    """Everything an import can write, by key."""
    return {str(m._meta.model_name): m for m in apps.get_models() if issubclass(m, Record) and m.IMPORTED}


def importable(model: type[Record]) -> dict[str, models.Field[Any, Any]]:
    """The fields of an entity that a plan may fill, by name."""
    return {f.name: f for f in model._meta.concrete_fields if f.name not in Record.BOOKKEEPING}


READING = ("sheet", "header", "encoding", "delimiter", "nulls")
WAYS = ("replace", "map", "default", "date", "add", "round", "by")


class _Reader:
    """Fills the classes above from the nodes of the document; collects issues instead of stopping at the first."""

    def __init__(self, file: str):
        self.file = file
        self.issues: list[Issue] = []

    def report(self, message: str, line: int, path: str, hint: str = "") -> None:
        self.issues.append(Issue("error", message, hint, self.file, line, path, "import.plan"))

    # Pieces of a document

    def keys(self, node: Node, path: str, known: tuple[str, ...], needed: tuple[str, ...] = ()) -> dict[str, Node]:
        """The entries of a map; unknown and missing keys are reported, empty ones left out."""
        if not isinstance(node.value, dict):
            self.report("keys and values are expected here", node.line, path)
            return {}
        for key in node.value:
            if key not in known:
                hint = did_you_mean(key, known) or f"Known are {', '.join(known)}."
                self.report(f"{key!r} is not a key that can stand here", node.lines[key], path, hint)
        for key in needed:
            if key not in node.value:
                self.report(f"{key!r} is missing", node.line, path)
        return {key: child for key, child in node.value.items() if key in known and not child.empty}

    def text(self, found: dict[str, Node], key: str, path: str, default: str = "") -> str:
        if key not in found:
            return default
        value = found[key].value
        if isinstance(value, str):
            return value
        self.report("one value is expected here", found[key].line, f"{path}.{key}")
        return default

    def texts(self, found: dict[str, Node], key: str, path: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """One value or a list of them."""
        if key not in found:
            return default
        node = found[key]
        items = node.value if isinstance(node.value, list) else [node]
        if not all(isinstance(item.value, str) for item in items):
            self.report("a value or a list of values is expected here", node.line, f"{path}.{key}")
            return default
        return tuple(str(item.value) for item in items)

    def whole(self, found: dict[str, Node], key: str, path: str, default: int | None) -> int | None:
        text = self.text(found, key, path)
        if not text:
            return default
        if not text.isdigit():
            self.report(f"{text!r} is not a whole number", found[key].line, f"{path}.{key}")
            return default
        return int(text)

    def choice(self, found: dict[str, Node], key: str, path: str, options: tuple[str, ...]) -> str:
        """One of the options; the first when the key is not there."""
        text = self.text(found, key, path, options[0])
        if text not in options:
            self.report(f"{text!r} is none of {', '.join(options)}", found[key].line, f"{path}.{key}")
        return text

    # The document

    def plan(self, root: Node) -> Plan:
        own = ("import", "currency", "date_format", "numbers", "note", "tables")
        found = self.keys(root, "", (*own, "encoding", "delimiter", "nulls"), ("import", "tables"))
        source = self.text(found, "import", "")
        if "import" in found and not _SOURCE.match(source):
            hint = "It may have up to 40 letters, digits and . _ -"
            self.report(f"{source!r} cannot name a source", found["import"].line, "import", hint)
        currency = self.text(found, "currency", "")
        if currency and not re.fullmatch(r"[A-Z]{3}", currency):
            self.report(f"{currency!r} is not an ISO 4217 code", found["currency"].line, "currency", "Such as CNY.")
        nodes = found["tables"].value if "tables" in found else []
        if not isinstance(nodes, list) or not nodes:
            self.report("a list of tables is expected here", root.line, "tables")
            nodes = []
        tables = [self.table(node, number, found, currency) for number, node in enumerate(nodes)]
        return Plan(source, currency, tuple(t for t in tables if t), self.file)

    def reading(self, found: dict[str, Node], path: str, plan: dict[str, Node], key: str) -> Reading:
        file = self.text(found, key, path)
        if Path(file).is_absolute() or ".." in Path(file).parts:
            self.report(f"{file!r} leaves the data folder", found[key].line, f"{path}.{key}")
        both = {**{k: plan[k] for k in READING if k in plan}, **{k: found[k] for k in READING if k in found}}
        return Reading(
            file,
            self.text(both, "sheet", path),
            self.whole(both, "header", path, 0) or 0,
            self.text(both, "encoding", path),
            {"tab": "\t", "\\t": "\t"}.get(d := self.text(both, "delimiter", path), d),
            ("", *self.texts(both, "nulls", path)),
        )

    def table(self, node: Node, number: int, plan: dict[str, Node], currency: str) -> TablePlan | None:
        path = f"tables[{number}]"
        own = ("into", "from", "rows", "where", "let", "join", "key", "match", "distinct", "fields", "on_error", "note")
        found = self.keys(node, path, (*own, *READING, "date_format", "numbers"), ("into", "fields"))
        if ("from" in found) == ("rows" in found):
            self.report("a table has either 'from' (a file) or 'rows' (written here)", node.line, path)
        entity = self.text(found, "into", path)
        model = entities().get(entity)
        if model is None:
            if entity:
                hint = did_you_mean(entity, entities()) or f"Known are {', '.join(sorted(entities()))}."
                self.report(f"there is no entity {entity!r}", found["into"].line, f"{path}.into", hint)
            return None
        numbers = self.text({**plan, **found}, "numbers", path)
        if numbers and not NUMBERS.fullmatch(numbers):
            self.report(
                f"{numbers!r} does not show how numbers are written",
                {**plan, **found}["numbers"].line,
                f"{path}.numbers",
                "Write one thousand two hundred thirty-four and 56 hundredths as the file would: 1,234.56 or 1.234,56.",
            )
        table = TablePlan(
            number=number,
            model=model,
            reading=self.reading(found, path, plan, "from") if "from" in found else None,
            inline=self.inline(found, path),
            where=self.formula(found["where"], f"{path}.where") if "where" in found else None,
            let=self.specs(found, "let", path),
            joins=self.joins(found, path, plan),
            key=self.spec(found["key"], f"{path}.key") if "key" in found else None,
            match=self.match(found, path, model),
            distinct=self.choice(found, "distinct", path, ("false", "true")) == "true",
            fields=self.specs(found, "fields", path),
            skip=self.choice(found, "on_error", path, ("stop", "skip")) == "skip",
            dates=self.texts({**plan, **found}, "date_format", path),
            numbers=numbers,
            line=node.line,
        )
        self.check_fields(table, found, currency)
        return table

    def inline(self, found: dict[str, Node], path: str) -> tuple[dict[str, Node], ...]:
        if "rows" not in found:
            return ()
        items = found["rows"].value
        if not isinstance(items, list) or not all(isinstance(item.value, dict) for item in items):
            self.report("a list of rows is expected here, each {column: value}", found["rows"].line, f"{path}.rows")
            return ()
        for item in items:
            for column, cell in item.value.items():
                if not isinstance(cell.value, str):
                    self.report("one value is expected here", cell.line, f"{path}.rows.{column}")
        return tuple(item.value for item in items)

    def match(self, found: dict[str, Node], path: str, model: type[Record]) -> tuple[str, ...]:
        names = self.texts(found, "match", path)
        for name in names:
            if name not in importable(model):
                self.report(
                    f"{model.__name__} has no field {name!r}",
                    found["match"].line,
                    f"{path}.match",
                    did_you_mean(name, importable(model)),
                )
        return names

    def check_fields(self, table: TablePlan, found: dict[str, Node], currency: str) -> None:
        """Names that the entity has, and every field that it cannot do without."""
        known = importable(table.model)
        for name, spec in table.fields.items():
            if name not in known:
                hint = did_you_mean(name, known) or f"It has {', '.join(known)}."
                self.report(f"{table.model.__name__} has no field {name!r}", spec.line, spec.path, hint)
            elif spec.by:
                target = known[name].related_model
                if not isinstance(target, type) or spec.by not in {f.name for f in target._meta.concrete_fields}:
                    near = closest(spec.by, [f.name for f in target._meta.concrete_fields]) if target else ""
                    hint = f"Did you mean {near!r}?" if near else ""
                    self.report(f"{name} cannot be found by {spec.by!r}", spec.line, f"{spec.path}.by", hint)
        for name, field_ in known.items():
            if name in table.fields or field_.null or field_.has_default() or field_.blank:
                continue
            if currency and name in {f.currency for f in known.values() if isinstance(f, MoneyField)}:
                continue
            self.report(
                f"{table.model.__name__} needs {name!r}",
                table.line,
                f"{table.path}.fields",
                "Say where it comes from, or state const:.",
            )
        for name in table.match:
            if name in known and name not in table.fields:
                self.report(f"the rows are matched by {name!r}, which is not among the fields", table.line, table.path)
        if not table.key and not table.match and not default_match(table):
            self.report(
                "the rows cannot be recognised when they come again",
                table.line,
                table.path,
                "State key: (the id in the source) or match: (the fields that tell them apart).",
            )

    def specs(self, found: dict[str, Node], key: str, path: str) -> dict[str, Spec]:
        if key not in found:
            return {}
        if not isinstance(found[key].value, dict):
            self.report("names and where their values come from are expected here", found[key].line, f"{path}.{key}")
            return {}
        return {name: self.spec(child, f"{path}.{key}.{name}") for name, child in found[key].value.items()}

    def joins(self, found: dict[str, Node], path: str, plan: dict[str, Node]) -> tuple[Join, ...]:
        if "join" not in found:
            return ()
        nodes = found["join"].value if isinstance(found["join"].value, list) else [found["join"]]
        return tuple(self.join(node, f"{path}.join[{i}]", plan) for i, node in enumerate(nodes))

    def join(self, node: Node, path: str, plan: dict[str, Node]) -> Join:
        own = ("file", "as", "on", "required", "pick", "total")
        found = self.keys(node, path, (*own, *READING), ("file", "as", "on"))
        on: tuple[tuple[str, str], ...] = ()
        if "on" in found:
            value = found["on"].value
            if isinstance(value, dict):
                on = tuple((here, str(there.value)) for here, there in value.items())
            else:
                on = tuple((name, name) for name in self.texts(found, "on", path))
        alias = self.text(found, "as", path)
        if alias and not re.fullmatch(r"[A-Za-z_]\w*", alias):
            self.report(f"{alias!r} cannot be used in formulas", found["as"].line, f"{path}.as", "Use letters and _.")
        total = {}
        if "total" in found and isinstance(found["total"].value, dict):
            total = {name: self.formula(n, f"{path}.total.{name}") for name, n in found["total"].value.items()}
        return Join(
            reading=self.reading(found, path, plan, "file"),
            alias=alias,
            on=on,
            required=self.choice(found, "required", path, ("false", "true")) == "true",
            pick=self.choice(found, "pick", path, ("only", "first", "last")),
            total=total,
            path=path,
            line=node.line,
        )

    # One value

    def formula(self, node: Node, path: str) -> Spec:
        text = node.value if isinstance(node.value, str) else ""
        try:
            return Spec("formula", text, path, node.line, parse(text))
        except FormulaError as error:
            self.report(f"{error.message} (column {error.at + 1} of the formula)", node.line, path, error.hint)
            return Spec("const", "", path, node.line)

    def spec(self, node: Node, path: str) -> Spec:
        if isinstance(node.value, str):
            return Spec("template" if _HOLE.search(node.value) else "column", node.value, path, node.line)
        found = self.keys(node, path, (*ORIGINS, *WAYS))
        stated = [origin for origin in ORIGINS if origin in found or (origin == "const" and self.has(node, "const"))]
        if len(stated) != 1:
            self.report("one of column, template, const, formula or first is expected", node.line, path)
            return Spec("const", "", path, node.line)
        origin = stated[0]
        tree, options, text = None, (), ""
        if origin == "formula":
            tree = self.formula(found["formula"], f"{path}.formula").tree
        elif origin == "first":
            items = found["first"].value
            items = items if isinstance(items, list) else [found["first"]]
            options = tuple(self.spec(item, f"{path}.first[{i}]") for i, item in enumerate(items))
        else:
            text = self.text(found, origin, path)
        return Spec(
            origin,
            text,
            path,
            node.line,
            tree,
            options,
            replace=self.replacements(found, path),
            map=self.mapping(found, path),
            default=self.text(found, "default", path) if "default" in found else None,
            date=self.texts(found, "date", path),
            add=self.duration(found, path),
            round=self.whole(found, "round", path, None),
            by=self.text(found, "by", path),
        )

    @staticmethod
    def has(node: Node, key: str) -> bool:
        return isinstance(node.value, dict) and key in node.value

    def replacements(self, found: dict[str, Node], path: str) -> tuple[tuple[re.Pattern[str], str], ...]:
        if "replace" not in found:
            return ()
        pairs = []
        for pattern, node in found["replace"].value.items() if isinstance(found["replace"].value, dict) else ():
            try:
                pairs.append((re.compile(pattern), str(node.value)))
            except re.error as error:
                self.report(f"{pattern!r} is not a regular expression: {error}", node.line, f"{path}.replace")
        return tuple(pairs)

    def mapping(self, found: dict[str, Node], path: str) -> dict[str, str | None] | None:
        if "map" not in found:
            return None
        if not isinstance(found["map"].value, dict):
            self.report("values of the source and what they become are expected here", found["map"].line, f"{path}.map")
            return None
        return {key: None if node.empty else str(node.value) for key, node in found["map"].value.items()}

    def duration(self, found: dict[str, Node], path: str) -> Duration | None:
        if "add" not in found:
            return None
        text = self.text(found, "add", path)
        try:
            negative = text.startswith("-")
            duration = read_duration(text.lstrip("-"))
        except ValueError as error:
            self.report(str(error), found["add"].line, f"{path}.add")
            return None
        if duration.unit not in "dwmy":
            self.report(
                f"{text} cannot be added to a day", found["add"].line, f"{path}.add", "Write it in d, w, m or y."
            )
        return Duration(-duration.count if negative else duration.count, duration.unit)


def default_match(table: TablePlan) -> tuple[str, ...]:
    """The fields by which the desk of the entity recognises a row; only if the plan fills them all."""
    from xiaoguan.desk.desk import desk_of

    desk = desk_of(table.model)
    names = tuple(path.split(".")[0] for path in desk.match_on) if desk else ()
    return names if names and all(name in table.fields for name in names) else ()
