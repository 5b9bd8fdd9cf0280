"""How clauses are written: names, formulas, durations and amounts in one of the two languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from xiaoguan.base.explain import value_text
from xiaoguan.base.money import SCALE
from xiaoguan.base.words import format_date, plain_number, with_symbol

from ..document import Expression, Policy, Section
from ..formula import Binary, Call, Duration, Expr, In, Literal, Type, Unary, dotted
from .words import COMPARED, UNITS, WORDS


@dataclass(frozen=True, slots=True)
class Clause:
    """条款: one sentence or a few, made from one place of the document. Level 1 is a chapter, 2 a clause, 3 a part."""

    path: str
    line: int
    title: str
    text: str
    level: int = 2


_HAN = "[\u4e00-\u9fff]"


def spaced(text: str) -> str:
    """A space between Chinese characters and Latin letters or digits, none between Chinese characters or in a date."""
    text = re.sub(f"(?<=[）\u4e00-\u9fff]) +(?={_HAN})", "", text)
    text = re.sub(f"(?<={_HAN})(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?={_HAN})", " ", text)
    return re.sub(r"(\d{4}) 年 (\d{1,2}) 月 (\d{1,2}) 日", r"\1年\2月\3日", text)


class Writer:
    """Writes in one language."""

    def __init__(self, policy: Policy, chinese: bool) -> None:
        self.policy, self.chinese = policy, chinese
        self.locale = "zh_Hans" if chinese else "en"

    def say(self, english: str, chinese: str) -> str:
        return chinese if self.chinese else english

    def word(self, name: str) -> str:
        if name in self.policy.metrics:
            return self.policy.metrics[name].name
        if (goal := self.policy.goal(name)) is not None:
            return goal.name or goal.id
        if (appraisal := self.policy.appraisal_of(name)) is not None:
            return appraisal.name or appraisal.id
        return self.noun(name)

    def noun(self, name: str) -> str:
        """A table or a field, whatever metrics are called."""
        return WORDS[name][self.chinese] if name in WORDS else name

    def words(self, names: Sequence[str]) -> str:
        return self.listed([self.word(name) for name in names])

    def listed(self, texts: Sequence[str]) -> str:
        return self.say(", ", "、").join(texts)

    def joined(self, texts: Iterable[str]) -> str:
        """Sentences one after the other."""
        return self.say(" ", "").join(text.strip() for text in texts if text.strip())

    def tidy(self, text: str) -> str:
        """A text as it is printed: no double spaces; Chinese spaced from Latin."""
        text = re.sub(r"  +", " ", text).strip()
        return spaced(text) if self.chinese else text

    def elsewhere(self, key: str, place: Section, title: str, text: str) -> Clause:
        """A clause that another module carries out in daily work, which it says."""
        note = self.say(" Carried out in daily work, not by this calculation.", "由日常业务模块执行，不参与核算。")
        head = self.word("discount_section" if key == "discount" else key)
        shown = title if title == head else f"{head}{self.say(': ', '：')}{title}"
        return Clause(place.path, place.line, shown, self.tidy(text + note), 2)

    def clause(self, place: Section | Expression, title: str, text: str, level: int = 2) -> Clause:
        return Clause(place.path, place.line, title, self.tidy(text), level)

    def titled(self, name: str, source: str) -> str:
        return f"{source} {name}" if source else name

    # Formulas and values

    def amount(self, tree: Expr) -> str:
        """A formula for an amount: a bare number is money."""
        if isinstance(tree, Literal) and isinstance(tree.value, int | Fraction):
            return self.money(tree.value)
        return self.phrase(tree)

    def money(self, value: Fraction | int) -> str:
        """Major units of the policy's currency, with its sign."""
        currency = self.policy.currency
        return with_symbol(value_text(value * SCALE, f"money:{currency}"), currency)

    def day(self, day: date) -> str:
        return format_date(day, self.locale)

    def duration(self, duration: Duration) -> str:
        english, chinese = UNITS[duration.unit]
        return self.say(
            f"{duration.count} {english if duration.count != 1 else english[:-1]}", f"{duration.count} {chinese}"
        )

    def phrase(self, tree: Expr, table: str = "") -> str:
        """A formula in words."""
        match tree:
            case Literal(value=value, type=type_):
                return self.literal(value, type_)
            case Unary(op=op, operand=operand):
                inner = self.phrase(operand, table)
                return self.say(f"not ({inner})", f"并非（{inner}）") if op == "not" else f"-{inner}"
            case Binary(op=op, left=left, right=right) if op in ("and", "or"):
                joined = {"and": self.say(" and ", "且"), "or": self.say(" or ", "或")}[op]
                return joined.join(self.inside(side, op, table) for side in (left, right))
            case Binary(op=op, left=left, right=right) if op in COMPARED:
                verb = COMPARED[op][self.chinese]
                return f"{self.phrase(left, table)} {verb} {self.phrase(right, table)}"
            case Binary(op=op, left=left, right=right):
                sign = {"*": "×"}.get(op, op)
                return f"{self.inside(left, op, table)} {sign} {self.inside(right, op, table)}"
            case In(item=item, options=options):
                values = self.say(" or ", "或").join(self.phrase(option) for option in options)
                return f"{self.phrase(item, table)} {self.say('is', '为')} {values}"
            case Call():
                return self.call(tree, table)
        name = dotted(tree) or ""
        return self.noun(name) if table else self.word(name)

    def inside(self, tree: Expr, op: str, table: str) -> str:
        text = self.phrase(tree, table)
        weaker = isinstance(tree, Binary) and (tree.op == "or" if op == "and" else op == "*" and tree.op in ("+", "-"))
        return f"({text})" if weaker else text

    def literal(self, value: object, type_: Type) -> str:
        if value is None:
            return self.say("missing", "缺失")
        if isinstance(value, bool):
            return self.say("yes", "是") if value else self.say("no", "否")
        if isinstance(value, Duration):
            return self.duration(value)
        if isinstance(value, date):
            return self.day(value)
        if isinstance(value, int | Fraction):
            return value_text(value, "ratio") if type_ is Type.RATIO else plain_number(value, 6, grouped=True)
        return self.word(f"'{value}'").strip("'") if isinstance(value, str) else str(value)

    def call(self, call: Call, table: str) -> str:
        args = [self.phrase(arg, table) for arg in call.args]
        rows = self.noun(table) if table else self.say("records", "记录")
        over = self.phrase(found) if (found := call.get("over")) is not None else ""
        match call.name, args:
            case "ratio", [above, below]:
                return self.say(f"{above} divided by {below}", f"{above}除以{below}")
            case "default", [what, instead]:
                return self.say(f"{what}, or {instead} where there is none", f"{what}（没有时取 {instead}）")
            case "sum", [what]:
                return self.say(f"the sum of {what}", f"{what}之和")
            case "count", []:
                return self.say(f"the number of {rows}", f"{rows}数量")
            case "count_if", [condition]:
                return self.say(f"the number of {rows} whose {condition}", f"{condition}的{rows}数量")
            case "count_distinct", [what]:
                return self.say(f"the number of different values of {what}", f"不同{what}的数量")
            case "count_retained", [what]:
                return self.say(
                    f"the number of different values of {what} that come again in the following {over}",
                    f"其后 {over}内再次出现的不同{what}的数量",
                )
            case ("attainment" | "pace" | "projection" | "coverage" | "total" | "change" | "top_share") as name, [what]:
                return self.about(call, name, what)
            case "grade_factor", [what]:
                return self.say(f"the grade factor of {what}", f"{what}的绩效系数")
            case "score", [what]:
                return self.say(f"the score of {what}", f"{what}的考核得分")
            case "event", [what]:
                return self.say(f"the event {what} is recorded", f"发生“{what}”")
            case "elapsed", [what]:
                return self.say(f"the elapsed share of the {what}", f"本{what}已过比例")
            case "streak", [condition, count]:
                return self.say(f"{condition} {count} periods running", f"连续 {count} 期{condition}")
            case "forecast_bias", []:
                method, lead = (self.phrase(found) if (found := call.get(key)) else "" for key in ("method", "lead"))
                early = self.say(f" kept {lead} before the end", "") if lead else ""
                front = f"期末前 {lead} 的" if lead else ""
                return self.say(
                    f"the bias of the {method} forecast{early}".replace("  ", " "), f"{front}{method}预测偏差"
                )
            case "cohort_retention", [what]:
                return self.say(f"the share of {what} that came back within {over}", f"{over}内的{what}保留率")
            case ("max" | "min" | "mean") as name, [what]:
                english, chinese = {
                    "max": ("largest", "最大"),
                    "min": ("smallest", "最小"),
                    "mean": ("mean", "平均"),
                }[name]
                return self.say(f"the {english} {what}", f"{chinese}{what}")
            case "nps", [what]:
                return self.say(f"the net promoter score of {what}", f"{what}的净推荐值")
        return f"{call.name}({self.listed(args)})"

    def about(self, call: Call, name: str, what: str) -> str:
        """A number about a goal or metric, with the window and the level it is asked for."""
        over = self.phrase(found) if (found := call.get("over")) is not None else ""
        level = dotted(found) or "" if (found := call.get("of")) is not None else ""
        by = self.phrase(found) if (found := call.get("by")) is not None else ""
        english, chinese = WORDS[f"function_{name}"]
        parts = [
            self.say(f" over {over}", "") if over else "",
            self.say(f" of the {self.word(level)}", "") if level else "",
        ]
        parts.append(self.say(f" by {by}", "") if by else "")
        front = "".join([self.word(level) if level else "", f"{over}内" if over else "", f"按{by}" if by else ""])
        return self.say(f"the {english} {what}{''.join(parts)}", f"{front}{what}{chinese}")
