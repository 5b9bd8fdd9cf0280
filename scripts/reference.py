"""Write docs/reference/entities.md and facts.md from the declarations.

    python scripts/reference.py

`tests/test_repository.py` fails while a page differs from what this would write.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGES = Path(__file__).resolve().parents[1] / "docs" / "reference"
MADE = "*Written by `python scripts/reference.py` from the declarations.*"

ENTITIES = f"""# Entities

{MADE}

Every entity, its fields and who may do what with it. The API writes the fields marked *written* or *required*; the
others are kept by the system. Each record but a `result` also has `id`, `version` (grows by one with every change),
`created_at`, `updated_at` and, if it was imported, its source and `external_id` there.

"The owner" is the person in the field `owner`, or in the one that the entity names; "the owner's team" is everybody who
is in a team with them today; "the managers above the owner" are all above them on today's reporting lines, and the
leaders of their teams. See [people and rights](../how-to/people-and-rights.md).

| type | in the API and in imports |
|---|---|
| money | decimal text of major units, up to four decimals; the currency stands beside it |
| decimal | decimal text, exact to the number of places given |
| percent | decimal text, a fraction of one; people type and read percentages |
| date, moment | ISO 8601; moments in UTC |
| choice | one of the words listed |
| → entity | the id of the related record; the API adds its title |
"""

FACTS = f"""# Facts

{MADE}

What a policy may read: `from: orders` in a metric names one of these tables, `value`, `where` and `date` its fields. A
row is credited to one person, the owner. `xiaoguan metric --by` takes the dimensions, and `team` wherever there is a
person.

| type | in formulas |
|---|---|
| amount | money; rows in another currency than the policy's are held back and listed |
| ratio | a fraction of one |
| number, text, condition | as they are; a condition is yes or no |
| date | a day; a metric's `date` must be one of these |
| any | the id of a related record: for `count_distinct` and comparisons |
"""


def _type(field: Any) -> str:
    """A model's field in the words of the page."""
    from xiaoguan.desk.paths import kind_of

    kind = kind_of(field)
    if kind == "relation":
        return f"→ {field.related_model._meta.model_name}"
    if kind == "choice":
        return ", ".join(f"`{value}`" for value, _label in field.flatchoices)
    if kind in ("decimal", "percent"):
        return f"{kind}, {field.places} places"
    if field.get_internal_type() == "JSONField":
        return "JSON"
    if kind == "stage":
        return "a stage of the policy in force"
    return {"datetime": "moment", "bool": "yes or no", "number": "whole number"}.get(kind, kind)


def _rows(desk: Any) -> Iterator[str]:
    from xiaoguan.desk.records import Record

    for field in desk.model._meta.concrete_fields:
        if field.name in Record.BOOKKEEPING:
            continue
        written = "required" if not (field.blank or field.null or field.has_default()) else "written"
        notes = str(field.help_text or "")
        yield (
            f"| `{field.name}` | {field.verbose_name} | {_type(field)} "
            f"| {written if field.name in desk.form_fields else ''} | {notes} |"
        )


def _owners(rule: Any) -> set[str]:
    """The paths of the people that a rule speaks of."""
    return (
        set().union(*(_owners(r) for r in rule.rules)) if hasattr(rule, "rules") else {getattr(rule, "path", "owner")}
    )


def _rights(desk: Any) -> Iterator[str]:
    rules = {"read": desk.read, "write": desk.write, "create": desk.create, "delete": desk.delete}
    if not desk.form:
        rules = {"read": desk.read}
    for name, rule in rules.items():
        if rule is not None:
            yield f"- {name}: {rule.words()}"
    if elsewhere := sorted((_owners(desk.read) | _owners(desk.write)) - {"owner"}):
        yield f"- the owner is: {', '.join(f'`{path}`' for path in elsewhere)}"
    if desk.form and (desk.create is None or desk.delete is None):
        same = " and ".join(n for n, rule in (("create", desk.create), ("delete", desk.delete)) if rule is None)
        yield f"- {same}: as write"


def _entity(desk: Any) -> Iterator[str]:
    summary = (desk.model.__doc__ or "").strip().splitlines()[0]
    yield f"## `{desk.key}`: {desk.label}"
    yield f"{summary} Pages at `/{desk.url_name}/`, API at `/api/{desk.url_name}`."
    yield "| field | label | type | form | |\n|---|---|---|---|---|\n" + "\n".join(_rows(desk))
    yield "\n".join(_rights(desk))
    lists = {"filters": desk.filters, "search": desk.search, "recognised in an import by": desk.match_on}
    yield "\n".join(f"- {k}: {', '.join(f'`{v}`' for v in values)}" for k, values in lists.items() if values)
    if desk.verbs:
        yield "| verb | what it does | fields | who |\n|---|---|---|---|\n" + "\n".join(
            f"| `{v.name}` | {(v.__doc__ or '').strip()} | {', '.join(f'`{n}`' for n in v.fields) or '–'} "
            f"| {v.who.words() if v.who else 'as write'} |"
            for v in desk.verbs
        )


def entities() -> str:
    """The page of every registered desk, module by module in the order of the floors."""
    from django.utils import translation

    from xiaoguan.desk.desk import desks

    with translation.override("en"):
        return "\n".join([ENTITIES, *(f"{part}\n" for desk in desks() for part in _entity(desk) if part)])


def facts() -> str:
    """The page of every registered fact table."""
    from django.utils import translation

    from xiaoguan.rulebook.facts import facts as tables

    def parts() -> Iterator[str]:
        for name, table in tables().items():
            yield f"## `{name}`"
            currency = ", amounts in the row's own currency" if table.currency else ""
            credited = f"Credited to `{table.person.replace('__', '.')}`{currency}." if table.person else ""
            rows = f"Rows of `{table.model._meta.model_name}`."
            yield f"{(table.__doc__ or '').strip().splitlines()[0]} {rows} {credited}".rstrip()
            yield "| field | type | read from |\n|---|---|---|\n" + "\n".join(
                f"| `{field}` | {kind} | `{table.fields[field].replace('__', '.')}` |"
                for field, kind in table.schema.fields.items()
            )
            dimensions = [*table.dimensions, *(["team"] if table.person else [])]
            yield f"Dimensions: {', '.join(f'`{d}`' for d in dimensions)}."

    with translation.override("en"):
        return "\n".join([FACTS, *(f"{part}\n" for part in parts())])


def pages() -> dict[Path, str]:
    """What each generated page should hold."""
    return {PAGES / "entities.md": entities(), PAGES / "facts.md": facts()}


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xiaoguan.project.settings")
    os.environ.setdefault("XIAOGUAN_SECRET_KEY", "not used")  # no data folder is made for this
    django.setup()
    for file, text in pages().items():
        file.write_text(text, encoding="utf-8")
