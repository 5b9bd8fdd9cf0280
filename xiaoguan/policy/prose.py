"""白话 prose: the policy in plain sentences, Chinese or English, clause by clause.

Every clause names the place in the document it was made from, so that a reader can go from the sentence to the text
and back. What is kept but not carried out says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from xiaoguan.base.explain import value_text
from xiaoguan.base.money import SCALE, format_units, minor_unit
from xiaoguan.base.words import plain_number

from .document import Component, Expression, Goal, IncentivePlan, Metric, Policy, Section, Stage, Step, Tiers
from .formula import Binary, Call, Duration, Expr, In, Literal, Type, Unary, dotted


@dataclass(frozen=True, slots=True)
class Clause:
    """条款: one sentence or a few, made from one place of the document. Level 1 is a chapter, 2 a clause, 3 a part."""

    path: str
    line: int
    title: str
    text: str
    level: int = 2


LINE_LABELS = {
    "To date": "累计应得",
    "Paid earlier": "此前已计",
    "Rate": "费率",
    "Attainment": "达成率",
    "Held back": "暂缓计入的记录",
    "Total": "合计",
}
"""Chinese of the fixed labels that the engine gives to lines, for the pages that show them."""

# Words of the vocabulary: English, Chinese. What is not here is shown as it is written.
WORDS = {
    "orders": ("orders", "订单"),
    "order_lines": ("order lines", "订单行"),
    "payments": ("payments", "回款"),
    "invoices": ("invoices", "发票"),
    "receivables": ("receivables", "应收款"),
    "refunds": ("refunds", "退款"),
    "opportunities": ("opportunities", "商机"),
    "customers": ("customers", "客户"),
    "activities": ("activities", "销售活动"),
    "follow_ups": ("follow-ups", "回访任务"),
    "surveys": ("survey answers", "调查答卷"),
    "tickets": ("tickets", "服务工单"),
    "net_amount": ("net amount", "净额"),
    "amount": ("amount", "金额"),
    "total_amount": ("total amount", "总额"),
    "tax_amount": ("tax", "税额"),
    "freight_amount": ("freight", "运费"),
    "cost": ("cost", "成本"),
    "unit_price": ("unit price", "单价"),
    "quantity": ("quantity", "数量"),
    "discount": ("discount", "折扣率"),
    "minutes": ("minutes", "时长（分钟）"),
    "status": ("status", "状态"),
    "channel": ("channel", "渠道"),
    "result": ("result", "结果"),
    "stage": ("stage", "阶段"),
    "kind": ("kind", "类型"),
    "score": ("score", "评分"),
    "customer": ("customer", "客户"),
    "customer_id": ("customer", "客户"),
    "customer.class": ("customer class", "客户等级"),
    "connected": ("connected", "已接通"),
    "upheld": ("upheld", "经核实成立"),
    "signed_on": ("date of signature", "签约日期"),
    "ordered_on": ("order date", "下单日期"),
    "delivered_on": ("delivery date", "交付日期"),
    "received_on": ("date of receipt", "到账日期"),
    "invoiced_on": ("invoice date", "开票日期"),
    "refunded_on": ("refund date", "退款日期"),
    "closed_on": ("closing date", "结束日期"),
    "created_on": ("date of creation", "创建日期"),
    "qualified_on": ("qualification date", "确认日期"),
    "first_order_on": ("date of the first order", "首单日期"),
    "done_on": ("date done", "完成日期"),
    "due_on": ("due date", "到期日期"),
    "answered_on": ("date of the answer", "答卷日期"),
    "opened_on": ("opening date", "受理日期"),
    "as_of": ("reporting date", "统计日期"),
    "person.commission_percent": ("the commission rate of the contract", "合同约定的提成比例"),
    "person.bonus": ("the bonus of the contract", "合同约定的奖金"),
    "day": ("day", "日"),
    "week": ("week", "周"),
    "month": ("month", "月"),
    "quarter": ("quarter", "季度"),
    "half_year": ("half-year", "半年"),
    "year": ("year", "年度"),
    "quota_period": ("quota period", "任务期"),
    "company": ("company", "公司"),
    "team": ("team", "团队"),
    "person": ("person", "个人"),
    "territory": ("territory", "区域"),
    "product": ("product", "产品"),
    "even": ("evenly", "平均"),
    "history": ("by past results", "按历史占比"),
    "seasonality": ("by season", "按季节指数"),
    "weeks": ("by weeks", "按周数"),
    "working_days": ("by working days", "按工作日"),
    "calendar_days": ("by calendar days", "按自然日"),
    "months": ("by whole months", "按整月"),
    "capacity": ("by capacity", "按产能"),
    "potential": ("by market potential", "按市场潜力"),
    "weighted": ("by a mix", "加权"),
    "prior_year": ("the year before", "上年实绩"),
    "prior_period": ("the period before", "上期实绩"),
    "sales_rep": ("sales representatives", "销售代表"),
    "sales_manager": ("sales managers", "销售经理"),
    "general_manager": ("the general manager", "总经理"),
    "sales_person": ("sales people", "销售人员"),
    "allowed": ("allowed", "允许"),
    "with_reason": ("allowed with a reason", "须说明理由"),
    "forbidden": ("forbidden", "禁止"),
    "nothing": ("nothing happens", "不处理"),
    "warn": ("a warning is given", "发出提醒"),
    "escalate": ("it is escalated", "上报"),
    "won": ("won", "赢单"),
    "lost": ("lost", "输单"),
    "'signed'": ("signed", "已签约"),
    "'cancelled'": ("cancelled", "已取消"),
    "'won'": ("won", "赢单"),
    "'lost'": ("lost", "输单"),
    "'visit'": ("visit", "拜访"),
    "'call'": ("call", "电话"),
    "'reseller'": ("reseller", "经销商"),
    "'online'": ("online", "线上"),
    "classification": ("Customer classes", "客户分类"),
    "follow_up": ("Follow-up", "跟进与回访"),
    "pool": ("Public pool", "公海"),
    "training": ("Training", "培训要求"),
    "discount_section": ("Discount approval", "折扣审批"),
    "appraisal": ("Appraisal", "绩效考核"),
    "forecast": ("Forecast", "销售预测"),
    "recognition": ("Recognition", "表彰"),
    "warnings": ("Warnings", "预警"),
}

_UNITS = {
    "h": ("hours", "小时"),
    "d": ("days", "天"),
    "wd": ("working days", "个工作日"),
    "w": ("weeks", "周"),
    "m": ("months", "个月"),
    "y": ("years", "年"),
}
_COMPARED = {
    "==": ("is", "为"),
    "!=": ("is not", "不为"),
    "<": ("is below", "低于"),
    "<=": ("is at most", "不超过"),
    ">": ("is above", "高于"),
    ">=": ("is at least", "不低于"),
}


def explain_text(policy: Policy, lang: str = "en") -> list[Clause]:
    """The policy in plain sentences. lang is "zh" (any spelling of it) or "en"."""
    return list(_Prose(policy, chinese=lang.lower().startswith("zh")).clauses())


_HAN = "[\u4e00-\u9fff]"


def _spaced(text: str) -> str:
    """A space between Chinese characters and Latin letters or digits, none between Chinese characters."""
    text = re.sub(f"(?<={_HAN}) +(?={_HAN})", "", text)
    return re.sub(f"(?<={_HAN})(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?={_HAN})", " ", text)


class _Prose:
    """Writes the clauses in one language."""

    def __init__(self, policy: Policy, chinese: bool) -> None:
        self.policy, self.chinese = policy, chinese

    def say(self, english: str, chinese: str) -> str:
        return chinese if self.chinese else english

    def word(self, name: str) -> str:
        if name in self.policy.metrics:
            return self.policy.metrics[name].name
        if (goal := self.policy.goal(name)) is not None:
            return goal.name or goal.id
        return self.noun(name)

    def noun(self, name: str) -> str:
        """A table or a field, whatever metrics are called."""
        return WORDS[name][self.chinese] if name in WORDS else name

    def words(self, names: Sequence[str]) -> str:
        return self.listed([self.word(name) for name in names])

    def listed(self, texts: Sequence[str]) -> str:
        return self.say(", ", "、").join(texts)

    def clause(self, place: Section | Expression, title: str, text: str, level: int = 2) -> Clause:
        return Clause(place.path, place.line, title, _spaced(text) if self.chinese else text, level)

    def clauses(self) -> Iterator[Clause]:
        policy = self.policy
        yield self.header()
        yield self.calendar()
        if policy.metrics:
            yield Clause("metrics", policy.line_of("metrics"), self.say("Metrics", "指标"), "", 1)
            yield from (self.metric(metric) for metric in policy.metrics.values())
        if policy.goals:
            yield Clause("goals", policy.line_of("goals"), self.say("Goals", "目标"), "", 1)
            yield from (self.goal(goal) for goal in policy.goals)
        if policy.process is not None:
            yield from self.process()
        if policy.incentive:
            yield Clause("incentive", policy.line_of("incentive"), self.say("Incentive", "激励"), "", 1)
            for plan in policy.incentive:
                yield from self.plan(plan)
        for later in policy.later:
            title = self.word("discount_section" if later.key == "discount" else later.key)
            text = self.say("Kept and shown; not carried out yet.", "本章保留并展示，目前尚未执行。")
            yield Clause(later.path, later.line, title, text, 1)

    # 制度头, 日历

    def header(self) -> Clause:
        head = self.policy.header
        start, end = head.effective.start, head.effective.end
        if end is None:
            since = self.say(f"in force from {start} without an end", f"自 {start} 起生效，无截止日期")
        else:
            since = self.say(f"in force from {start}, until before {end}", f"自 {start} 起生效，至 {end} 前一日止")
        roles = self.words(head.scope.roles) or self.say("everybody", "全体人员")
        minor = format_units(minor_unit(head.currency), head.currency)
        text = self.say(
            f"Version {head.version}, {since}. It is for {roles}. Amounts are in {head.currency}; what is paid is "
            f"rounded to {minor}, half up. Days are those of {head.timezone}.",
            f"版本 {head.version}，{since}。适用于{roles}。金额以 {head.currency} 计，应付金额四舍五入到 {minor}。"
            f"日期以 {head.timezone} 时区为准。",
        )
        if head.owner:
            text += self.say(f" Its owner is {head.owner}.", f"制度负责人：{head.owner}。")
        return self.clause(head, head.name, text, 1)

    def calendar(self) -> Clause:
        section = self.policy.calendar_section
        month, day = section.fiscal_year_starts
        if section.pattern == "gregorian":
            text = self.say(
                f"Months are calendar months; the year begins on day {day} of month {month}.",
                f"按公历月份；年度自 {month} 月 {day} 日起。",
            )
        else:
            text = self.say(
                f"Months are whole weeks in the pattern {section.pattern}.", f"按整周编月，规则为 {section.pattern}。"
            )
        days = section.working_days
        if self.policy.calendar.holidays:
            shifted = self.say(", with make-up days", "，计入调休上班日") if days.shift_days else ""
            text += self.say(
                f" Working days are {self.listed(days.weekdays)} less the public holidays of China{shifted}.",
                f"工作日按每周 {len(days.weekdays)} 天计，扣除中国法定节假日{shifted}。",
            )
        if section.close is not None and section.close.due is not None:
            due, kind = self.duration(section.close.due), self.word(section.close.period)
            text += self.say(f" A {kind} is closed within {due} after its end.", f"每{kind}结束后 {due}内结账。")
        for kind, custom in section.custom.items():
            text += self.say(
                f" {kind}: {len(custom.starts)} periods from {custom.starts[0]} until before {custom.end}.",
                f"{self.word(kind)}：共 {len(custom.starts)} 期，自 {custom.starts[0]} 起，至 {custom.end} 前一日止。",
            )
        return Clause("calendar", section.line, self.say("Calendar", "期间日历"), _spaced(text), 1)

    # 指标

    def metric(self, metric: Metric) -> Clause:
        value = self.phrase(metric.value.tree, metric.table)
        text = self.say(f"{metric.name} is {value}.", f"{metric.name}等于{value}。")
        if metric.table:
            table, day = self.noun(metric.table), self.noun(metric.date)
            text += self.say(f" It reads {table} and counts by the {day}.", f"取自{table}，按{day}归入期间。")
        if metric.where is not None:
            condition = self.phrase(metric.where.tree, metric.table)
            text += self.say(f" Only those count whose {condition}.", f"只计{condition}的记录。")
        if metric.min_sample:
            text += self.say(
                f" With fewer than {metric.min_sample} cases it has no value.",
                f"样本少于 {metric.min_sample} 时不给出数值。",
            )
        if metric.direction == "down":
            text += self.say(" Lower is better.", "数值越低越好。")
        return self.clause(metric, self.titled(metric.name, metric.source), text)

    def titled(self, name: str, source: str) -> str:
        return f"{source} {name}" if source else name

    # 目标

    def goal(self, goal: Goal) -> Clause:
        metric, period = self.word(goal.metric), self.word(goal.period)
        text = self.say(f"A goal for {metric} in each {period}: ", f"按{period}设定{metric}目标：") + self.target(goal)
        if goal.allocate:
            steps = self.say("; then ", "；再").join(self.step(step) for step in goal.allocate)
            text += self.say(
                f" It is cut {steps}; the parts add up to the whole exactly.",
                f"目标分解：{steps}；各部分之和恰等于总额。",
            )
        for level, factor in goal.over_assignment.items():
            if factor != 1:
                where = self.word(level) if level else self.say("the parts", "各部分")
                share = value_text(factor, "ratio")
                text += self.say(f" {where} carry {share} of the whole.", f"{where}合计承担总额的 {share}。")
        if goal.ramp:
            shares = self.listed([value_text(share, "ratio") for share in goal.ramp])
            text += self.say(
                f" New people carry {shares} in their first months.", f"新人自入职当月起逐月承担 {shares}。"
            )
        if goal.proration is not None:
            basis = self.word(goal.proration.basis)
            text += self.say(f" Part of a period counts {basis}", f"在岗不足一期的，{basis}折算")
            minimum = goal.proration.minimum
            if minimum is not None:
                least = self.duration(minimum)
                text += self.say(
                    f"; below {least} the person starts with the next period", f"，不足 {least}的从下期起算"
                )
            text += self.say(".", "。")
        return self.clause(goal, self.titled(goal.name or goal.id, goal.source), text)

    def target(self, goal: Goal) -> str:
        how = goal.target
        if how.method == "fixed" and how.value is not None:
            shown = plain_number(how.value, 4, grouped=True)
            return self.say(f"{shown}.", f"{shown}。")
        if how.method == "growth" and how.growth is not None:
            base, growth = self.word(how.base or ""), value_text(how.growth, "ratio")
            return self.say(f"{growth} above {base}.", f"在{base}基础上增长 {growth}。")
        if how.method == "assigned":
            return self.say("assigned person by person.", "逐人下达。")
        return self.say("submitted from below (not carried out yet).", "自下而上申报（尚未执行）。")

    def step(self, step: Step) -> str:
        by, method = self.word(step.by), self.word(step.method)
        mix = self.listed([f"{self.word(name)} {value_text(weight, 'ratio')}" for name, weight in step.weights.items()])
        mixed = self.say(f" ({mix})", f"（{mix}）") if mix else ""
        return self.say(f"by {by} {method}{mixed}", f"{method}{mixed}分到{by}")

    # 流程

    def process(self) -> Iterator[Clause]:
        process = self.policy.process
        assert process is not None
        moves = process.moves
        text = self.say(
            f"{len(process.stages)} stages. Skipping one is {self.word(moves.skip)}, going back is "
            f"{self.word(moves.back)}; when a stage takes too long, {self.word(moves.overdue)}.",
            f"共 {len(process.stages)} 个阶段。跳过阶段：{self.word(moves.skip)}；退回阶段：{self.word(moves.back)}；"
            f"停留超时：{self.word(moves.overdue)}。",
        )
        yield self.clause(process, self.titled(process.name or process.id, process.source), text, 1)
        yield from (self.stage(stage) for stage in process.stages)

    def stage(self, stage: Stage) -> Clause:
        texts = []
        if stage.probability is not None:
            chance = value_text(stage.probability, "ratio")
            texts.append(self.say(f"chance of winning {chance}", f"赢单概率 {chance}"))
        if stage.limit is not None:
            limit = self.duration(stage.limit)
            texts.append(self.say(f"at most {limit}", f"停留不超过 {limit}"))
        if stage.checklist:
            texts.append(self.say("to be filled in: ", "必填：") + self.listed(stage.checklist))
        if stage.closes:
            texts.append(self.say(f"closes the opportunity as {stage.closes}", f"商机以{self.word(stage.closes)}结束"))
        text = self.say("; ", "；").join(texts)
        return self.clause(stage, stage.name, text[:1].upper() + text[1:] + self.say(".", "。") if text else "")

    # 激励

    def plan(self, plan: IncentivePlan) -> Iterator[Clause]:
        roles = self.words(plan.role or self.policy.header.scope.roles) or self.say("everybody", "全体人员")
        text = self.say(f"For {roles}.", f"适用于{roles}。")
        yield self.clause(plan, self.titled(plan.name or plan.id, plan.source), text)
        yield from (self.component(component) for component in plan.components)

    def component(self, component: Component) -> Clause:
        title = self.titled(component.name or component.id, component.source)
        if not component.carried_out:
            text = self.say("Kept and shown; not carried out yet.", "保留并展示，目前尚未执行。")
            return self.clause(component, title, text, 3)
        period = self.word(component.period)
        text = self.bonus(component, period) if component.kind == "bonus" else self.commission(component, period)
        if component.when is not None:
            condition = self.phrase(component.when.tree)
            text += self.say(f" It is paid only if {condition}.", f"仅当{condition}时发放。")
        text += self.say(" Rounded once, half up.", "按期合计后一次四舍五入。")
        return self.clause(component, title, text, 3)

    def bonus(self, component: Component, period: str) -> str:
        assert component.amount is not None
        amount = self.amount(component.amount.tree)
        return self.say(f"Each {period} a bonus is paid: {amount}.", f"每{period}发放奖金：{amount}。")

    def commission(self, component: Component, period: str) -> str:
        basis = self.word(component.basis)
        if component.rate is not None:
            rate = self.phrase(component.rate.tree)
            return self.say(f"Each {period} {rate} of {basis}.", f"每{period}按{basis}的 {rate} 计提。")
        table = component.tiers
        if table is None:
            return ""
        parts = self.say("; ", "；").join(self.tier(table, i) for i in range(len(table.rates)))
        by = (
            self.say("amount", "金额")
            if table.by == "amount"
            else self.say(f"attainment of {self.word(table.of)}", f"{self.word(table.of)}达成率")
        )
        if table.mode == "marginal":
            how = self.say("each part at the rate of its tier", "分段计提（超额累进）")
        else:
            how = self.say("everything at the rate of the tier reached", "全额按所达档位计提（全额累进）")
        text = self.say(
            f"Each {period} a share of {basis}, cut by {by}, {how}: {parts}.",
            f"每{period}按{basis}计提，以{by}分档，{how}：{parts}。",
        )
        if table.accumulate not in ("period", component.period):
            window = self.word(table.accumulate)
            text += self.say(
                f" Tiers accumulate over the {window}: a {period} pays what the {window} has earned so far, "
                "less what it earned before.",
                f"档位按{window}累计：每{period}应得 = 本{window}累计应得 - 此前各期已计。",
            )
        return text

    def tier(self, table: Tiers, index: int) -> str:
        tier = table.rates[index]
        rate = value_text(tier.rate or 0, "ratio")
        bounds = [self.bound(table, one.start.value) for one in table.rates[index : index + 2]]
        if len(bounds) == 1:
            return self.say(f"from {bounds[0]} {rate}", f"{bounds[0]} 及以上 {rate}")
        return self.say(f"{bounds[0]} to below {bounds[1]} {rate}", f"{bounds[0]} 至 {bounds[1]}（不含）{rate}")

    def bound(self, table: Tiers, value: Fraction) -> str:
        return value_text(value, "ratio") if table.by == "attainment" else value_text(value * SCALE, "money:")

    # Formulas and values

    def amount(self, tree: Expr) -> str:
        """A formula for an amount: a bare number is money."""
        if isinstance(tree, Literal) and isinstance(tree.value, int | Fraction):
            return f"{value_text(tree.value * SCALE, f'money:{self.policy.currency}')} {self.policy.currency}"
        return self.phrase(tree)

    def duration(self, duration: Duration) -> str:
        english, chinese = _UNITS[duration.unit]
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
            case Binary(op=op, left=left, right=right) if op in _COMPARED:
                verb = _COMPARED[op][self.chinese]
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
            case "attainment", [what]:
                return self.say(f"the attainment of {what}", f"{what}达成率")
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
