"""销售流程, 预测, 客户分类, 跟进, 公海, 折扣, 预警 in words."""

from __future__ import annotations

from collections.abc import Iterator

from xiaoguan.base.explain import value_text
from xiaoguan.base.periods import WEEKDAYS
from xiaoguan.base.words import plain_number

from ..document import Classification, Stage
from ..forecast import goal_of
from .writer import Clause, Writer


class Daily(Writer):
    """The chapters on what people do from day to day."""

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

    # 每日规则

    def rules(self) -> Iterator[Clause]:
        yield from self.forecast()
        for rule in self.policy.classification:
            yield self.elsewhere(
                "classification", rule, self.titled(rule.name or rule.id, rule.source), self.classes(rule)
            )
        for follow in self.policy.follow_up:
            often = (
                self.say(f"every {self.duration(follow.every)}", f"每 {self.duration(follow.every)}")
                if follow.every
                else ""
            )
            at = self.listed([self.duration(one) for one in follow.at])
            when = often or self.say(f"{at} after the event", f"事件后 {at}")
            where = self.phrase(follow.where.tree) if follow.where else self.say("every customer", "全部客户")
            kinds = self.words(follow.kind)
            text = self.say(f"{where}: {when}, by {kinds}.", f"{where}：{when}以{kinds}跟进一次。")
            if follow.grace is not None:
                text += self.say(
                    f" Overdue after {self.duration(follow.grace)} more.", f"宽限 {self.duration(follow.grace)}。"
                )
            yield self.elsewhere("follow_up", follow, self.titled(follow.name or follow.id, follow.source), text)
        yield from self.pool()
        yield from self.discount()

    def forecast(self) -> Iterator[Clause]:
        rule = self.policy.forecast
        if rule is None:
            return
        methods, goal = self.words(rule.methods), goal_of(self.policy)
        of = self.word(goal.id) if goal is not None else self.say("won deals", "赢单金额")
        text = self.say(f"Of {of}, by {methods}.", f"预测{of}，方法：{methods}。")
        if rule.snapshot is not None:
            every = self.word(rule.snapshot.every)
            on = rule.snapshot.at if rule.snapshot.every != "day" else ""
            day = WEEKDAYS.index(on) if on else 0
            text += self.say(f" A snapshot is kept every {every}", f"每{every}")
            text += self.say(f" on {on.capitalize()}." if on else ".", f"（周{'一二三四五六日'[day]}）" if on else "")
            text += self.say("", "留存快照。")
        if rule.accuracy is not None:
            accepted = {"WAPE": rule.accuracy.wape, "Brier": rule.accuracy.brier, "bias": rule.accuracy.bias}
            known = {k: v.max for k, v in accepted.items() if v is not None}
            texts = {k: plain_number(v) if k == "Brier" else value_text(v, "ratio") for k, v in known.items()}
            shown = self.listed([f"{k} ≤ {text}" for k, text in texts.items()])
            text += self.say(f" Accepted errors: {shown}.", f"允许误差：{shown}。") if shown else ""
        yield self.elsewhere("forecast", rule, self.say("Forecast", "销售预测"), text)

    def classes(self, rule: Classification) -> str:
        shares = self.listed([f"{k} {value_text(v, 'ratio')}" for k, v in rule.shares.items()])
        bounds = self.listed([f"{k} ≥ {plain_number(v.start)}" for k, v in rule.classes.items()])
        if rule.method == "pareto":
            metric = self.word(rule.metric)
            return self.say(f"By share of {metric}: {shares}.", f"按{metric}占比：{shares}。")
        inputs = self.listed([f"{self.word(k)} {value_text(v, 'ratio')}" for k, v in rule.inputs.items()])
        inputs = inputs or self.listed([self.word(key) for key in rule.points])
        return self.say(f"By a score of {inputs}: {bounds}.", f"按{inputs}评分：{bounds}。")

    def pool(self) -> Iterator[Clause]:
        rule = self.policy.pool
        if rule is None:
            return
        texts = []
        for one in rule.recycle:
            condition = self.phrase(one.when.tree)
            warn = (
                self.say(f", warned {self.duration(one.warn)} before", f"，提前 {self.duration(one.warn)}提醒")
                if one.warn
                else ""
            )
            texts.append(self.say(f"Back to the pool if {condition}{warn}.", f"{condition}的回收{warn}。"))
        if rule.exclude is not None:
            texts.append(
                self.say(f"Never if {self.phrase(rule.exclude.tree)}.", f"{self.phrase(rule.exclude.tree)}的除外。")
            )
        claim = rule.claim
        if claim is not None:
            limits = []
            if claim.per_day is not None:
                limits.append(self.say(f"{claim.per_day} a day", f"每天 {claim.per_day} 个"))
            if claim.holding_limit is not None:
                limits.append(self.say(f"{claim.holding_limit} held", f"保有上限 {claim.holding_limit} 个"))
            if claim.cool_down is not None:
                limits.append(
                    self.say(
                        f"{self.duration(claim.cool_down)} for the former owner",
                        f"原负责人 {self.duration(claim.cool_down)}内不得领回",
                    )
                )
            texts.append(self.say(f"Claims: {self.listed(limits)}.", f"领取：{self.listed(limits)}。"))
        yield self.elsewhere("pool", rule, self.say("Public pool", "公海"), self.joined(texts))

    def discount(self) -> Iterator[Clause]:
        rule = self.policy.discount
        if rule is None:
            return
        levels = [f"≤ {value_text(one.up_to, 'ratio')} {self.words(one.approve)}" for one in rule.levels]
        text = self.say(f"Approval by discount: {self.listed(levels)}.", f"按折扣审批：{self.listed(levels)}。")
        if rule.floor is not None:
            margin = value_text(rule.floor.margin, "ratio")
            text += self.say(
                f" Below a margin of {margin}: {self.words(rule.floor.approve)}.",
                f"毛利率低于 {margin}：{self.words(rule.floor.approve)}。",
            )
        yield self.elsewhere("discount", rule, self.word("discount_section"), text)
        if rule.effect is not None:
            factor, condition = value_text(rule.effect.credit_factor, "ratio"), self.phrase(rule.effect.when.tree)
            text = self.say(f"If {condition}, {factor} of the credit counts.", f"{condition}的，业绩按 {factor} 折算。")
            yield self.clause(rule.effect, self.say("Credit of discounted sales", "低价单折算"), text)

    def warnings(self) -> Iterator[Clause]:
        for one in self.policy.warnings:
            condition, who = self.phrase(one.when.tree), self.words(one.notify)
            severity = self.word(f"severity_{one.severity}")
            text = self.say(f"If {condition}: {severity}, to {who}.", f"{condition}时，{severity}，通知{who}。")
            if one.escalate is not None:
                after, to = self.duration(one.escalate.after), self.words(one.escalate.to)
                text += self.say(f" After {after} to {to}.", f"{after}后升级至{to}。")
            yield self.elsewhere("warnings", one, self.titled(one.name or one.id, one.source), text)
