"""考核, 培训, 表彰 in words."""

from __future__ import annotations

from collections.abc import Iterator

from xiaoguan.base.explain import value_text
from xiaoguan.base.words import plain_number

from ..document import Appraisal, Grade, Indicator, Point
from .writer import Clause, Writer


class People(Writer):
    """The chapters on people."""

    def appraisals(self) -> Iterator[Clause]:
        if not self.policy.appraisal:
            return
        yield Clause("appraisal", self.policy.line_of("appraisal"), self.say("Appraisal", "绩效考核"), "", 1)
        for one in self.policy.appraisal:
            title = self.titled(one.name or one.id, one.source)
            yield self.clause(one, title, self.appraisal(one))
            for indicator in one.indicators:
                yield self.clause(indicator, indicator.name or self.word(indicator.key), self.indicator(indicator), 3)

    def appraisal(self, one: Appraisal) -> str:
        period = self.word(one.period)
        text = self.say(f"Each {period}.", f"每{period}一次。")
        for name, how in one.combine.items():
            text += self.say(f" The {how} of {name}.", f"取{name}的{self.word(how)}。")
        if one.indicators:
            missing = self.word(f"missing_{one.missing}")
            text += self.say(f" A missing indicator: {missing}.", f"指标缺失时：{missing}。")
        for gate in one.gates:
            condition, effect = self.phrase(gate.when.tree), gate.effect
            if effect.max_grade:
                text += self.say(
                    f" If {condition}, the grade is at most {effect.max_grade}.",
                    f"{condition}的，等级最高为 {effect.max_grade}。",
                )
            points = (effect.add or 0) - (effect.deduct or 0)
            if points:
                text += self.say(
                    f" If {condition}: {plain_number(points)} points.", f"{condition}的，{plain_number(points)} 分。"
                )
        bands = self.listed([self.band(name, grade) for name, grade in one.grades.items()])
        if bands:
            text += self.say(f" Grades: {bands}.", f"等级：{bands}。")
        return text + self.around(one)

    def band(self, name: str, grade: Grade) -> str:
        start = plain_number(grade.start)
        text = self.say(f"{name} from {start}", f"{name}：{start} 分及以上")
        if grade.factor is None:
            return text
        factor = plain_number(grade.factor)
        return text + self.say(f" (factor {factor})", f"（系数 {factor}）")

    def at(self, point: Point) -> str:
        x = value_text(point.x.value, "ratio") if point.x.percent else plain_number(point.x.value)
        return f"{x} → {plain_number(point.y.value)}"

    def around(self, one: Appraisal) -> str:
        """Distribution, calibration, interview, improvement plan, career."""
        text = ""
        if one.distribution is not None and one.distribution.mode != "off":
            shares = self.listed([f"{k} {value_text(v, 'ratio')}" for k, v in one.distribution.shares.items()])
            mode = self.word(one.distribution.mode)
            text += self.say(f" Distribution ({mode}): {shares}.", f"等级分布（{mode}）：{shares}。")
            if one.distribution.min_group:
                text += self.say(
                    f" Below {one.distribution.min_group} people it is only a guide.",
                    f"不足 {one.distribution.min_group} 人仅作参考。",
                )
        if one.calibration is not None:
            who = self.words(one.calibration.by)
            text += self.say(f" {who} may calibrate, with a reason.", f"由{who}校准，须说明理由。")
        if one.interview is not None:
            text += self.say(
                f" Interview within {self.duration(one.interview.due)}.",
                f"{self.duration(one.interview.due)}内完成绩效面谈。",
            )
        plan = one.improvement_plan
        if plan is not None:
            condition, length = self.phrase(plan.when.tree), self.duration(plan.length)
            text += self.say(
                f" An improvement plan of {length} begins if {condition}.",
                f"{condition}的，进入为期 {length}的绩效改进计划。",
            )
        for step in one.career:
            condition, to = self.phrase(step.when.tree), self.word(step.to)
            text += self.say(f" To {to} if {condition}.", f"{condition}的，可晋升为{to}。")
        return text

    def indicator(self, one: Indicator) -> str:
        weight = value_text(one.weight, "ratio")
        text = self.say(f"Weight {weight}.", f"权重 {weight}。")
        if one.raters:
            groups = self.listed([f"{self.word(k)} {value_text(v, 'ratio')}" for k, v in one.raters.items()])
            text += self.say(f" Rated by: {groups}.", f"评分人：{groups}。")
            if one.min_raters > 1:
                text += self.say(
                    f" A group with fewer than {one.min_raters} ratings gives its weight to the others.",
                    f"评分人少于 {one.min_raters} 人的，其权重归其他评分人。",
                )
        score = one.score
        if score is not None:
            of = self.word("attainment") if score.of == "attainment" else self.say("the value", "指标值")
            how = self.word(f"curve_{score.curve}")
            text += self.say(f" Score by {of}, {how}", f"按{of}{how}计分")
            if score.points:
                text += self.say(": ", "：") + self.listed([self.at(point) for point in score.points])
            limits = [(self.say("at least", "最低"), score.floor), (self.say("at most", "最高"), score.cap)]
            for word, value in limits:
                if value is not None:
                    text += self.say(f", {word} {plain_number(value)}", f"，{word} {plain_number(value)} 分")
            text += self.say(".", "。")
        return text

    def others(self) -> Iterator[Clause]:
        """Training and recognition."""
        training = self.policy.training
        if training is not None:
            text = ""
            if training.onboarding is not None:
                first = training.onboarding
                courses = self.listed(first.courses)
                text += self.say(
                    f"Onboarding within {first.days} days: {courses}.", f"入职 {first.days} 天内完成：{courses}。"
                )
                if first.mark is not None:
                    text += self.say(
                        f" {plain_number(first.mark)} points pass.", f"{plain_number(first.mark)} 分合格。"
                    )
                if first.until_passed is not None:
                    pay, leads = first.until_passed.incentive, first.until_passed.leads
                    text += self.say(
                        f" Until passed: incentive {pay}, leads {leads}.",
                        f"合格前：提成{self.word(f'gate_{pay}')}，线索{self.word(f'gate_{leads}')}。",
                    )
            if training.recurring is not None:
                text += self.say(
                    f" {training.recurring.per_quarter} a quarter.", f"每季度 {training.recurring.per_quarter} 次。"
                )
                if training.recurring.missed is not None:
                    points = plain_number(training.recurring.missed.appraisal_deduct)
                    text += self.say(f" A missed one costs {points} points.", f"缺训每次扣 {points} 分。")
            yield self.clause(training, self.say("Training", "培训要求"), text)
        for one in self.policy.recognition:
            among, top = self.word(one.among), one.top
            text = self.say(
                f"The best {top} of each {among} by {self.phrase(one.rank_by.tree)}.",
                f"每{among}按{self.phrase(one.rank_by.tree)}评出前 {top} 名。",
            )
            if one.require is not None:
                condition = self.phrase(one.require.tree)
                text += self.say(f" Only if {condition}.", f"须满足{condition}。")
            yield self.elsewhere("recognition", one, self.titled(one.name or one.id, one.source), text)
