"""激励 in words: who earns what, how it is shared, limited, released and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from xiaoguan.base.explain import value_text
from xiaoguan.base.words import plain_number

from ..document import Axis, Component, IncentivePlan, Payee, Tiers
from .writer import Clause, Writer


class Pay(Writer):
    """The chapter on incentive."""

    def plan(self, plan: IncentivePlan) -> Iterator[Clause]:
        roles = self.words(plan.role or self.policy.header.scope.roles) or self.say("everybody", "全体人员")
        texts = [self.say(f"For {roles}.", f"适用于{roles}。"), self.target_incentive(plan), self.credit(plan)]
        yield self.clause(plan, self.titled(plan.name or plan.id, plan.source), self.joined(texts))
        yield from (self.component(plan, component) for component in plan.components)
        steps = self.joined(
            [self.factors(plan), self.limits(plan), self.paid(plan), self.drawn(plan), self.taken(plan)]
        )
        if steps:
            title = self.say("How it is paid", "核算与发放")
            yield Clause(plan.path, plan.line, title, self.tidy(steps), 3)

    def share(self, value: Fraction) -> str:
        return value_text(value, "ratio")

    def target_incentive(self, plan: IncentivePlan) -> str:
        if plan.target_incentive is None:
            return ""
        amount = self.amount(plan.target_incentive.tree)
        return self.say(f"The target incentive of a year is {amount}.", f"年度目标奖金为 {amount}。")

    # 归属

    def credit(self, plan: IncentivePlan) -> str:
        rule = plan.credit
        if rule is None or not rule.payees:
            return ""
        event = self.word(rule.event)
        shares = self.listed([self.payee(payee) for payee in rule.payees])
        text = self.say(f"Each {event} is credited: {shares}.", f"每笔{event}的业绩归属：{shares}。")
        if rule.overlay:
            extra = self.listed([self.payee(payee) for payee in rule.overlay])
            text += self.say(f" Beside the 100%: {extra}.", f"另计协同业绩（不占 100%）：{extra}。")
        for roll in rule.rollup:
            share, to = self.share(roll.share), self.word(roll.to)
            text += self.say(
                f" {share} of it also counts for {to} on the reporting line of that day.",
                f"按当日汇报线将其中 {share} 上卷至{to}。",
            )
        return text

    def payee(self, payee: Payee) -> str:
        text = f"{self.word(payee.person)} {self.share(payee.share)}"
        if payee.otherwise:
            other = self.word(payee.otherwise)
            text += self.say(f" (else {other})", f"（没有时归{other}）")
        if payee.counts == ("attainment",):
            text += self.say(" for attainment only", "（仅计达成）")
        elif payee.counts == ("pay",):
            text += self.say(" for pay only", "（仅计提成）")
        return text

    # 方案组成

    def component(self, plan: IncentivePlan, component: Component) -> Clause:
        title = self.titled(component.name or component.id, component.source)
        period = self.word(component.period)
        kinds = {
            "commission": self.commission,
            "bonus": self.bonus,
            "matrix": self.matrix,
            "spiff": self.spiff,
            "pool": self.pool,
            "override_rate": self.override,
        }
        text = kinds[component.kind](component, period)
        if component.valid is not None:
            start, end = self.day(component.valid.start), component.valid.end
            until = self.say(f", until before {self.day(end)}", f"至 {self.day(end)}前一日") if end else ""
            text += self.say(f" Valid from {start}{until}.", f"有效期自 {start}起{until}。")
        if component.when is not None:
            condition = self.phrase(component.when.tree)
            text += self.say(f" It is paid only if {condition}.", f"仅当{condition}时发放。")
        text += self.bounded(component)
        if component.kind != "override_rate":
            text += self.say(" Rounded once, half up.", "按期合计后一次四舍五入。")
        return self.clause(component, title, text, 3)

    def bounded(self, component: Component) -> str:
        """Cap, gates and factor of a component."""
        text = ""
        if component.cap is not None:
            per = self.word(component.cap.per or component.period)
            most, rest = self.money(component.cap.amount), self.word(component.cap.excess)
            text += self.say(
                f" At most {most} per {per}; the excess is {rest}.", f"每{per}封顶 {most}，超出部分{rest}。"
            )
        for gate in component.gates:
            condition, effect = self.phrase(gate.when.tree), gate.effect
            effects = [self.say("nothing is paid", "不予发放")] if effect.block else []
            if effect.max is not None:
                effects.append(
                    self.say(
                        f"at most {self.share(effect.max)} of the target", f"最高按目标的 {self.share(effect.max)}"
                    )
                )
            if effect.cap is not None:
                effects.append(self.say(f"at most {self.money(effect.cap)}", f"最高 {self.money(effect.cap)}"))
            if effect.factor is not None:
                effects.append(self.say(f"{self.share(effect.factor)} of it", f"按 {self.share(effect.factor)} 计"))
            text += self.say(f" If {condition}: {self.listed(effects)}.", f"若{condition}，{self.listed(effects)}。")
        if component.multiply is not None:
            factor = self.phrase(component.multiply.tree)
            text += self.say(f" Multiplied by {factor}.", f"再乘以{factor}。")
        return text

    def bonus(self, component: Component, period: str) -> str:
        if component.amount is not None:
            amount = self.amount(component.amount.tree)
            text = self.say(f"Each {period} a bonus is paid: {amount}.", f"每{period}发放奖金：{amount}。")
            return text + self.prorated(component)
        target = self.target(component)
        if component.tiers is None:
            text = self.say(f"Each {period} a bonus is paid: {target}.", f"每{period}发放奖金：{target}。")
            return text + self.prorated(component)
        table = self.table(component.tiers)
        text = self.say(f"Each {period} a share of {target}: {table}.", f"每{period}按{target}的比例发放：{table}。")
        return text + self.prorated(component)

    def prorated(self, component: Component) -> str:
        """For whom is not there all the time."""
        if not component.proration:
            return ""
        days, shown = ("working days", "工作日") if component.proration == "working_days" else ("days", "日历天数")
        return self.say(f" In proportion to the {days} under the plan.", f"按在方案内的{shown}折算。")

    def target(self, component: Component) -> str:
        if component.target is not None:
            return self.say("the target ", "目标奖金 ") + self.amount(component.target.tree)
        weight = self.share(component.weight) if component.weight is not None else "100%"
        return self.say(f"{weight} of the target incentive", f"目标奖金的 {weight} ")

    def commission(self, component: Component, period: str) -> str:
        basis = self.word(component.basis)
        if component.rate is not None:
            rate = self.phrase(component.rate.tree)
            return self.say(f"Each {period} {rate} of {basis}.", f"每{period}按{basis}的 {rate} 计提。")
        table = component.tiers
        if table is None:
            return ""
        text = self.say(
            f"Each {period} a share of {basis}, {self.table(table)}.",
            f"每{period}按{basis}计提，{self.table(table)}。",
        )
        if table.counts_in == "sale":
            window = self.word(component.period if table.accumulate == "period" else table.accumulate)
            text += self.say(
                f" It counts in the {window} of its sale: each {period} earns what it adds there.",
                f"计入其销售所属{window}：每{period}应得 = 该{window}累计应得的增加额。",
            )
        elif table.accumulate not in ("period", component.period):
            window = self.word(table.accumulate)
            text += self.say(
                f" Tiers accumulate over the {window}: a {period} pays what the {window} has earned so far, "
                "less what it earned before.",
                f"档位按{window}累计：每{period}应得 = 本{window}累计应得 - 此前各期已计。",
            )
        return text

    def table(self, table: Tiers) -> str:
        """A rate table: by what it is cut, how it pays, and its tiers."""
        by = {
            "amount": self.say("amount", "金额"),
            "count": self.say("count", "数量"),
            "attainment": self.say(f"attainment of {self.word(table.of)}", f"{self.word(table.of)}达成率"),
        }[table.by]
        if table.of and table.by != "attainment":
            by = self.word(table.of)
        how = {
            "marginal": self.say("each part at the rate of its tier", "分段计提（超额累进）"),
            "slab": self.say("everything at the rate of the tier reached", "全额按所达档位计提（全额累进）"),
            "per_transaction": self.say("every record looked up on its own", "单笔分别查档"),
            "interpolated": self.say("on the line through the points", "按折线插值"),
            "amount": self.say("a sum for the tier reached", "按所达档位发放定额"),
        }[table.mode]
        semicolon = self.say("; ", "；")
        if table.mode == "interpolated":
            points = [f"{self.point(table, p.x.value)} → {self.share(p.y.value)}" for p in table.points]
            parts = semicolon.join(points)
        else:
            parts = semicolon.join(self.tier(table, i) for i in range(len(table.rates)))
        return self.say(f"cut by {by}, {how}: {parts}", f"以{by}分档，{how}：{parts}")

    def tier(self, table: Tiers, index: int) -> str:
        tier = table.rates[index]
        if tier.amount is not None:
            pays = self.money(tier.amount)
        elif tier.factor is not None:
            pays = self.say(
                f"{value_text(tier.factor, 'count')} × base rate", f"基准提成率 × {value_text(tier.factor, 'count')}"
            )
        else:
            pays = self.share(tier.rate or Fraction(0))
        bounds = [self.point(table, one.start.value) for one in table.rates[index : index + 2]]
        if len(bounds) == 1:
            return self.say(f"from {bounds[0]} {pays}", f"{bounds[0]} 及以上 {pays}")
        return self.say(f"{bounds[0]} to below {bounds[1]} {pays}", f"{bounds[0]} 至 {bounds[1]}（不含）{pays}")

    def point(self, table: Tiers, value: Fraction) -> str:
        if table.by == "attainment":
            return self.share(value)
        return self.money(value) if table.by == "amount" else value_text(value, "count")

    def matrix(self, component: Component, period: str) -> str:
        axes = [self.axis(axis) for axis in (component.rows, component.columns) if axis]
        cells = self.say("; ", "；").join(
            self.say(" / ", " / ").join(self.share(cell) for cell in row) for row in component.percent
        )
        crossed = self.say(" and ", "与").join(axes)
        return self.say(
            f"Each {period} {self.target(component)} times the cell that {crossed} reach: {cells}.",
            f"每{period}以{self.target(component)}乘以{crossed}所达单元格的比例：{cells}。",
        ) + self.prorated(component)

    def axis(self, axis: Axis) -> str:
        """What an axis of a matrix measures, and the bounds from which its rows or columns count."""
        what = self.word(axis.metric)
        if axis.of == "attainment":
            what = self.say(f"the attainment of {self.word(axis.goal or axis.metric)}", f"{what}达成率")
        bounds = [
            value_text(one.value, "ratio") if one.percent else plain_number(one.value, grouped=True)
            for one in axis.bounds
        ]
        return self.say(f"{what} (from {', '.join(bounds)})", f"{what}（{'、'.join(bounds)} 起）")

    def spiff(self, component: Component, period: str) -> str:
        each = self.money(component.pay_each or Fraction(0))
        unit = self.say("unit", "件") if component.each == "unit" else self.say("record", "笔")
        plan = self.policy.plan_of(component.id)
        source = plan.source_of(component) if plan else component.table
        table = self.noun(source)
        where = self.phrase(component.where.tree, source) if component.where else ""
        which = self.say(f" whose {where}", f"（{where}）") if where else ""
        return self.say(f"{each} for each {unit} of {table}{which}.", f"{table}{which}每{unit}奖励 {each}。")

    def pool(self, component: Component, period: str) -> str:
        fund = self.phrase(component.fund.tree) if component.fund else ""
        keys = self.listed([f"{self.word(key)} {self.share(value)}" for key, value in component.divide.items()])
        divided = keys or self.word("even")
        return self.say(
            f"Each {period} the team's fund is {fund}, divided between its people: {divided}; "
            "the parts add up exactly.",
            f"每{period}团队奖金池为{fund}，按{divided}在成员间分配，各份之和恰等于总额。",
        )

    def override(self, component: Component, period: str) -> str:
        other = next((one for _, one in self.policy.components() if one.id == component.of), None)
        roles = self.words(component.role) or self.say("everybody", "全体")
        name = other.name or other.id if other else component.of
        if other is None or other.tiers is None:
            return ""
        table = self.table(replace(other.tiers, rates=component.rates))
        return self.say(f"For {roles} the table of {name} is instead: {table}.", f"{roles}的“{name}”改按：{table}。")

    # 核算与发放

    def factors(self, plan: IncentivePlan) -> str:
        text = ""
        for one in plan.multiply:
            names = [c.name or c.id for c in plan.components if not one.applies_to or c.id in one.applies_to]
            by = self.phrase(one.by.tree)
            text += self.say(f" {self.listed(names)}: multiplied by {by}.", f"{self.listed(names)}乘以{by}。")
        return text

    def limits(self, plan: IncentivePlan) -> str:
        text = ""
        if plan.cap is not None:
            per = self.word(plan.cap.per or self.word("month"))
            most, rest = self.money(plan.cap.total), self.word(plan.cap.excess)
            text += self.say(
                f" The plan pays at most {most} per {per}; the excess is {rest}.",
                f"方案每{per}封顶 {most}，超出部分{rest}。",
            )
        if plan.floor is not None:
            text += self.say(f" At least {self.money(plan.floor.total)}.", f"方案保底 {self.money(plan.floor.total)}。")
        if plan.true_up is not None:
            kind = self.word(plan.true_up.period)
            text += self.say(
                f" At the end of each {kind} the year so far is reckoned on cumulative attainment, "
                "and the difference is paid.",
                f"每{kind}末按年初至今累计达成重算并补差。",
            )
        return text

    def paid(self, plan: IncentivePlan) -> str:
        pay = plan.pay
        if pay is None:
            return ""
        earned, often = self.noun(pay.earned_on), self.noun(pay.paid)
        text = self.say(f" Earned on {earned}, paid {often}.", f"以{earned}计提，{often}发放。")
        if pay.release:
            ways = self.listed([f"{self.word(way)} {self.share(part)}" for way, part in pay.release.items()])
            text += self.say(f" Released: {ways}.", f"发放条件：{ways}。")
        if pay.holdback is not None:
            until = pay.holdback.release
            share = self.share(pay.holdback.share)
            end = str(until.day) if until.day else self.word(until.at)
            if until.after is not None:
                end = self.duration(until.after) + self.say(" after", "后")
            text += self.say(f" {share} of it is held back until {end}", f"其中 {share} 留存至{end}发放")
            if until.unless:
                kinds = self.words(until.unless)
                text += self.say(f", and lost if before that: {kinds}", f"，期间发生{kinds}的不再发放")
            text += self.say(".", "。")
        return text

    def drawn(self, plan: IncentivePlan) -> str:
        text = ""
        for rule, recoverable in ((plan.draw, plan.draw and plan.draw.kind == "recoverable"), (plan.guarantee, False)):
            if rule is None:
                continue
            who = self.word(rule.whom)
            months = self.say(f" for {rule.months} months", f"前 {rule.months} 个月") if rule.months else ""
            text += self.say(
                f" For {who}{months} at least {self.money(rule.amount)} is paid",
                f"{who}{months}每期不足 {self.money(rule.amount)} 的补足",
            )
            text += self.say("; the shortfall is a debt", "，差额为可追回预支") if recoverable else ""
            text += self.say(".", "。")
        if plan.draw is not None and plan.draw.kind == "recoverable":
            share = self.share(plan.draw.recover)
            text += self.say(
                f" {share} of what is above it repays the debt from month {plan.draw.recover_from} on.",
                f"自第 {plan.draw.recover_from} 个月起，以超出部分的 {share} 归还。",
            )
            if plan.draw.forgive_after is not None:
                after = self.duration(plan.draw.forgive_after)
                text += self.say(f" After {after} the rest is forgiven.", f"{after}后余额免除。")
        return text

    def taken(self, plan: IncentivePlan) -> str:
        text = ""
        rule = plan.clawback
        if rule is not None:
            events, window = self.words(rule.events), self.duration(rule.window)
            shares = {
                "full": self.say("all of it", "全额"),
                "proportional": self.say("the unserved part", "按未履行期间的比例"),
                "stepped": self.say("a falling share", "按时间分档"),
            }
            share = shares.get(rule.share, rule.share)
            text += self.say(
                f" If within {window} there is {events}, what was paid on the record goes back: {share}.",
                f"{window}内发生{events}的，追回已发提成：{share}。",
            )
            for step in rule.steps:
                text += self.say(
                    f" Within {self.duration(step.within)} {self.share(step.share)}.",
                    f"{self.duration(step.within)}内 {self.share(step.share)}。",
                )
            if rule.offset_limit is not None:
                limit = self.share(rule.offset_limit)
                text += self.say(
                    f" At most {limit} of a payment is taken at once.", f"每期扣回不超过当期应发的 {limit}。"
                )
        if plan.leaving is not None:
            leaving = plan.leaving
            answers = [
                (self.say("earned pay", "已计提"), leaving.earned),
                (self.say("later releases", "离职后释放"), leaving.released),
                (self.say("held-back pay", "留存"), leaving.held),
                (self.say("debt", "预支余额"), leaving.debt),
            ]
            words = {"lost": self.say("lost", "不再发放")}  # of pay; elsewhere it is a deal that is lost
            told = [(what, words.get(answer) or self.word(answer)) for what, answer in answers]
            shown = self.listed([f"{what}{self.say(': ', '：')}{word}" for what, word in told])
            text += self.say(f" After leaving: {shown}.", f"离职后：{shown}。")
        if plan.dispute is not None:
            window, who = self.duration(plan.dispute.window), self.words(plan.dispute.decide)
            text += self.say(f" Disputes within {window}, decided by {who}.", f"申诉期 {window}，由{who}裁定。")
        return text
