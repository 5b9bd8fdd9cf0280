"""白话 prose: the policy in plain sentences, Chinese or English, clause by clause.

Every clause names the place in the document it was made from, so that a reader can go from the sentence to the text
and back. What is carried out elsewhere says so.

    words     the vocabulary        writer    names and formulas in words
    pay       激励                   people    考核, 表彰, 培训            daily    流程 and the rules of every day
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from xiaoguan.base.explain import value_text
from xiaoguan.base.money import SCALE, minor_unit
from xiaoguan.base.words import currency_name, plain_number, zone_name

from ..document import Goal, Metric, Policy, Step
from .daily import Daily
from .pay import Pay
from .people import People
from .words import LINE_LABELS, STEP_LABELS, WORDS
from .writer import Clause, Writer, spaced


def explain_text(policy: Policy, lang: str = "en") -> list[Clause]:
    """The policy in plain sentences. lang is "zh" (any spelling of it) or "en"."""
    return list(_Prose(policy, chinese=lang.lower().startswith("zh")).clauses())


class _Prose(Writer):
    """The chapters, in the order of the document."""

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
            yield from Daily(policy, self.chinese).process()
        yield from Daily(policy, self.chinese).rules()
        yield from People(policy, self.chinese).appraisals()
        if policy.incentive:
            yield Clause("incentive", policy.line_of("incentive"), self.say("Incentive", "激励"), "", 1)
            for plan in policy.incentive:
                yield from Pay(policy, self.chinese).plan(plan)
        yield from People(policy, self.chinese).others()
        yield from Daily(policy, self.chinese).warnings()

    # 制度头, 日历

    def header(self) -> Clause:
        head = self.policy.header
        start, end = head.effective.start, head.effective.end
        since = self.say(f"in force from {self.day(start)}", f"自 {self.day(start)}起生效，")
        if end is None:
            since += self.say(" without an end", "无截止日期")
        else:
            since += self.say(f", until before {self.day(end)}", f"至 {self.day(end)}前一日止")
        roles = self.words(head.scope.roles) or self.say("everybody", "全体人员")
        money = currency_name(head.currency, self.locale)
        minor = self.money(Fraction(minor_unit(head.currency), SCALE))
        zone = zone_name(head.timezone, self.locale)
        text = self.say(
            f"Version {head.version}, {since}. It is for {roles}. Amounts are in {money}; what is paid is "
            f"rounded to {minor}, half up. Days are those of {zone}.",
            f"版本 {head.version}，{since}。适用于{roles}。金额以{money}计，应付金额四舍五入到 {minor}。"
            f"日期以{zone}为准。",
        )
        if head.fx is not None:
            kinds = [self.word(kind) for kind in (head.fx.attainment, head.fx.earning)]
            text += self.say(
                f" Other currencies count at the {kinds[0]} for attainment and at the {kinds[1]} for earnings; "
                "without a rate a record is held back.",
                f"外币业绩按{kinds[0]}计入达成，按{kinds[1]}计提；缺汇率的记录暂缓计入。",
            )
        if head.transition is not None:
            text += self.say(
                f" When it changes inside a period: {self.word(head.transition.default)}.",
                f"期中变更：{self.word(head.transition.default)}。",
            )
        if head.waiver:
            text += self.say(f" Waiver: {head.waiver}.", f"追溯调整的同意：{head.waiver}。")
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
            named = self.listed([day.capitalize() for day in days.weekdays])
            text += self.say(
                f" Working days are {named} less the public holidays of China{shifted}.",
                f"工作日按每周 {len(days.weekdays)} 天计，扣除中国法定节假日{shifted}。",
            )
        if section.close is not None and section.close.due is not None:
            due, kind = self.duration(section.close.due), self.word(section.close.period)
            text += self.say(f" A {kind} is closed within {due} after its end.", f"每{kind}结束后 {due}内结账。")
        for kind, custom in section.custom.items():
            first, end = self.day(custom.starts[0]), self.day(custom.end)
            text += self.say(
                f" {kind}: {len(custom.starts)} periods from {first} until before {end}.",
                f"{self.word(kind)}：共 {len(custom.starts)} 期，自 {first}起，至 {end}前一日止。",
            )
        return Clause("calendar", section.line, self.say("Calendar", "期间日历"), spaced(text), 1)

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
        return self.clause(goal, self.titled(goal.name or goal.id, goal.source), text + self.more(goal))

    def more(self, goal: Goal) -> str:
        """Working days, absence, transfer and the bands of the reasonableness check."""
        text = ""
        if goal.applies == "working_days":
            text += self.say(" It counts on working days.", "按工作日计。")
        if goal.absence is not None:
            kinds = self.words(goal.absence.relieve)
            text += self.say(f" Recorded absence reduces it: {kinds}.", f"经登记的缺勤可减免：{kinds}。")
        if goal.transfer == "moves":
            text += self.say(" What is left of it moves with the person.", "调动时未完成部分随人转移。")
        bands = {
            key: getattr(goal.check, key)
            for key in ("stretch", "attain_probability", "share_at_quota", "equity", "correlation", "capacity")
            if goal.check and len(getattr(goal.check, key)) == 2
        }
        if bands:
            shown = self.listed(
                [f"{self.word(k)} {value_text(a, 'ratio')}–{value_text(b, 'ratio')}" for k, (a, b) in bands.items()]
            )
            text += self.say(f" It is reasonable within: {shown}.", f"合理性评估的参考区间：{shown}。")
        return text

    def target(self, goal: Goal) -> str:
        how = goal.target
        if how.method == "fixed" and how.value is not None:
            ratio = self.policy.unit_of(goal.metric) == "ratio"
            shown = value_text(how.value, "ratio") if ratio else plain_number(how.value, 4, grouped=True)
            return self.say(f"{shown}.", f"{shown}。")
        if how.method == "growth" and how.growth is not None:
            base, growth = self.word(how.base or ""), value_text(how.growth, "ratio")
            return self.say(f"{growth} above {base}.", f"在{base}基础上增长 {growth}。")
        if how.method == "assigned":
            return self.say("assigned person by person.", "逐人下达。")
        by = self.words(how.submit_by) or self.say("those concerned", "相关人员")
        text = self.say(f"submitted from below by {by} and approved.", f"由{by}自下而上申报，经审批确定。")
        if how.floor is not None:
            base, growth = self.word(how.floor.base), value_text(how.floor.growth, "ratio")
            text += self.say(f" At least {growth} above {base}.", f"不低于{base}增长 {growth}。")
        return text

    def step(self, step: Step) -> str:
        by, method = self.word(step.by), self.word(step.method)
        mix = self.listed([f"{self.word(name)} {value_text(weight, 'ratio')}" for name, weight in step.weights.items()])
        mixed = self.say(f" ({mix})", f"（{mix}）") if mix else ""
        return self.say(f"by {by} {method}{mixed}", f"{method}{mixed}分到{by}")


__all__ = ["LINE_LABELS", "STEP_LABELS", "WORDS", "Clause", "explain_text"]
