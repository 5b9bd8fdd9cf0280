"""The engine's own sentences in Chinese. It writes English, which is stored with results.

A sentence that is not here stays English; a test runs the example policies and looks for those.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from xiaoguan.policy import LINE_LABELS
from xiaoguan.policy.prose import STEP_LABELS, WORDS
from xiaoguan.rulebook import faults

_PAID = {"quarterly": "按季", "half_yearly": "按半年", "yearly": "按年"}
_AGGREGATES = {
    "sum": "之和",
    "mean": "的平均值",
    "min": "的最小值",
    "max": "的最大值",
    "count": "",
    "count_distinct": "去重计数",
    "count_retained": "留存计数",
    "nps": "的净推荐值",
}
_CURVES = {"linear": "线性", "steps": "分段", "points": "折线", "relative": "相对中位数"}
_COMBINED = {"mean": "的平均值", "last": "中最后一个", "min": "的最低值", "max": "的最高值"}
_JOINTS = {"and": "且", "or": "或", "not": "非", "in": "属于"}


def chinese(text: str) -> str:
    """A formula, note, label or issue of the engine as Chinese readers would put it."""
    if text in LINE_LABELS or text in STEP_LABELS:
        return LINE_LABELS.get(text) or STEP_LABELS[text]
    if (fault := faults.chinese(text)) is not None:
        return fault
    for pattern, words in _PHRASES:
        text = pattern.sub(words, text)
    return text


def english(text: str) -> str:
    """What the engine writes of records behind a metric, in words instead of its formula; a section by its title."""
    text = re.sub(r"^([a-z_]+)(?= is kept and shown )", lambda m: f"“{_terms(_section(m[1]), 0)}”", text)
    text = re.sub(_UNKNOWN, lambda m: f"in “{_terms(m[1], 0)}”: “{_terms(m[2], 0)}” is not known here", text)
    return re.sub(_COUNTED, _counted, text)


_UNKNOWN = r"^in \"(.+)\": '(\w+)' is not known here$"
_COUNTED = r"\b(sum|mean|min|max|count)\(([\w.]*)\) of (\d+) (\w+)(?: with (.+))?$"


def _counted(found: re.Match[str]) -> str:
    name, inner, count, source, condition = found.groups()
    kind = {"sum": "total", "mean": "mean", "min": "smallest", "max": "largest"}.get(name)
    what = f"the {kind} {_terms(inner, 0)} of {count} {_terms(source, 0)}" if kind and inner else None
    where = _terms(condition, 0).replace(" = ", " is ").replace(" ≠ ", " is not ") if condition else ""
    return (what or f"{count} {_terms(source, 0)}") + (f" whose {where}" if where else "")


def term(name: str, language: str) -> str:
    """What a term of somebody's contract is called, such as person.bonus; any other name stays."""
    known = WORDS.get(name) if name.startswith("person.") else None
    return known[language.startswith("zh")] if known else name


def _terms(expression: str, language: int = 1) -> str:
    """Names and constants of an expression in words: status == 'signed' is 状态 = 已签约. language: 0 is English."""

    def word(found: re.Match[str]) -> str:
        known = WORDS.get(found[0])
        return known[language] if known else _JOINTS.get(found[0], found[0]) if language else found[0]

    return re.sub(r"'\w+'|[a-z_]+(?:\.[a-z_]+)*", word, expression).replace(" == ", " = ").replace(" != ", " ≠ ")


def _aggregate(found: re.Match[str]) -> str:
    name, inner, count, source, condition = found.groups()
    what = f"{count} 条{_terms(source)}"
    if inner:
        what += f"的{_terms(inner)}"
    return what + _AGGREGATES[name] + (f"（条件：{_terms(condition)}）" if condition else "")


_SECTIONS = {"metric": "指标", "component": "激励项", "goal": "目标", "plan": "方案", "the policy": "制度概要",
             "warning": "预警", "follow-up rule": "跟进规则", "classification": "客户分类"}  # fmt: skip


def _section(key: str) -> str:
    """The word of a section whose key means something else inside of another."""
    return f"{key}_section" if f"{key}_section" in WORDS else key


def _kept(found: re.Match[str]) -> str:
    """A key of the policy, maybe of one of its sections, that is kept but not carried out."""
    what, _, owner = found[1].partition(" of ")
    words = "自下而上的任务额" if what == "the bottom-up target" else _terms(what)
    words = _terms(_section(what)) if _section(what) != what else words
    for name, title in _SECTIONS.items():
        words = re.sub(rf"^{name} (\S+)$", rf"{title} \1", words)
        owner = re.sub(rf"^{name}(?= |$)", title, owner)
    return f"“{words}”已收录并展示，尚未执行" + (f"（{owner}）" if owner else "")


_N = r"[\d,.%≈-]+"
_WRITTEN: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"the holiday table of China has no year (\d+) \(it has (\d+) to (\d+)\); update the package (\w+), or set "
     r"(\S+) to none",
     r"中国节假日表还没有 \1 年（现有 \2 年至 \3 年）：请更新 \4 包，或把 \5 设为 none"),
    (rf"\b({'|'.join(_AGGREGATES)})\((.*?)\) of (\d+) (\w+)(?: with (.+))?$", _aggregate),
    # Issues
    (r"^(.+?) (?:is|are) kept and shown but not carried out yet$", _kept),
    (r"^Results do not contain it; nothing needs to be changed\.$", "核算结果不含这一项，制度不需要改动。"),
    (r"^(.+?): records held back for (\S+): (.+?) \((.*)\)$", r"\1：\2 有 \3 条记录暂缓计入（\4）"),
    (r"^(.+?): (\S+) is not calculated: ", r"\1：\2 未核算："),
    (_UNKNOWN, lambda m: f"“{_terms(m[1])}”中的“{_terms(m[2])}”在这里没有数据"),
    # Credit and earning
    (r"^(\d+) credits of (\w+) for (attainment|pay)$",
     lambda m: f"{m[1]} 条{_terms(m[2])}的业绩归属（{'计达成' if m[3] == 'attainment' else '计提成'}）"),
    (rf"(\d+) records of (\w+) × ({_N}) for each (record|unit)",
     lambda m: f"{m[1]} 条{_terms(m[2])} × {m[3]}（每{'笔' if m[4] == 'record' else '件'}）"),
    (r"(\d+) records of (\S+), each on its own", r"\2 \1 条记录，单笔分别查档"),
    (r"^records of (\S+)$", r"\1 的记录数"),
    (r"(?<=; )(Cap|Gate|Multiplier)(?=: )", lambda m: LINE_LABELS[m[1]]),
    (rf"at most ({_N})", r"最高 \1"),
    (rf"at least ({_N})", r"最低 \1"),
    (rf", ({_N}) carried from before", r"，上期结转 \1"),
    (rf", ({_N}) carried on", r"，结转下期 \1"),
    (rf"\btarget ({_N})", r"目标 \1"),
    (r"\(on the curve\)", "（按折线）"),
    (r"row (\d+), column (\d+)", r"第 \1 行第 \2 列"),
    (r"below the first row or column", "低于第一行或第一列"),
    (rf"({_N}) of the fund ({_N}), between (\d+) people", r"奖金池 \2 的 \1，在 \3 人间分配"),
    (r"not in a team of the plan on (\S+)", r"\1 不在方案的团队内"),
    (r"not under the plan", "不在方案期间内"),
    (r"rates of (\S+) \((.+?)\) instead of ([^\s;]+)", r"按“\1”（\2）的费率，代替“\3”"),
    (r"(\S+) and (\S+) both replace the rates of (\S+): the policy must rank them",
     r"“\1”与“\2”同时替换“\3”的费率：须由制度排定先后"),
    (rf"(?:^|(?<=; ))(\S+) more (.+) reaches the tier (.+), which pays ({_N})$", r"\2 再增加 \1 即进入“\3”一档，得 \4"),
    (rf"(?:^|(?<=; ))(\S+) more (.+) reaches the tier (.+), which pays (\S+) on everything: ({_N})$",
     r"\2 再增加 \1 即进入“\3”一档，全部按 \4 计，共 \5"),
    (r"plan (\S+) has no target_incentive", r"方案 \1 没有目标奖金"),
    (r"a (\w+) has no share of the yearly target incentive", lambda m: f"{_terms(m[1])}不分摊年度目标奖金"),
    (r"the policy gives no pay_each", "制度没有给出单笔奖励"),
    (r"the policy gives no fund", "制度没有给出奖金池"),
    (r"the matrix is not complete", "矩阵不完整"),
    (r"a gate in percent of the target needs a target", "按目标比例设限须有目标奖金"),
    (r"the records of (\w+) cannot be read", lambda m: f"无法读取{_terms(m[1])}"),
    (r"(\w+) of (\S+) is not known", lambda m: f"{m[2]} 的{_terms(m[1])}未知"),
    (r"(\w+) is 0 for everybody in the team", lambda m: f"全队的{_terms(m[1])}均为 0"),
    (r"(\S+) is no amount", r"\1 不是金额"),
    # Settling
    (rf"released ({_N}) of this and earlier periods, earned ({_N})", r"本期释放本期及前期 \1，本期应得 \2"),
    (rf"({_N}) of what is released", r"所释放金额的 \1"),
    (r"the time of holding back is over", "留存期满"),
    (rf"({_N}) earns ({_N}) - ({_N}) earned ({_N}) before", r"\1 应得 \2 − 此前 \3 已得 \4"),
    (rf"({_N}) earns ({_N})$", r"\1 应得 \2"),
    (r"nothing came of any sale", "本期无款到账"),
    (r"the order of it is not known", "所属订单未知"),
    (r"^paid (quarterly|half_yearly|yearly)$", lambda m: f"{_PAID[m[1]]}发放"),
    (rf"({_N}) under (.+) - ({_N}) earned before", r"按 \2 应得 \1 − 此前已得 \3"),
    (r"^(\d+) versions$", r"\1 个版本"),
    (r"released now, undone before", "本期释放，此前已退回"),
    (rf"({_N}) undone", r"已退回 \1"),
    (rf"paid up to ({_N})", r"补足至 \1"),
    (rf"repaid from what is above ({_N}); ({_N}) still due", r"以超出 \1 的部分归还；尚余 \2"),
    (r"year to date on cumulative attainment, by (\S+)", r"按年初至今累计达成，截至 \1"),
    (rf"entitled ({_N}) for the year so far - ({_N}) earned", r"年初至今应得 \1 − 已计 \2"),
    (rf"\b(\w+) (\S+) on (\S+): ({_N}) of ({_N}) paid",
     lambda m: f"{m[3]} {_terms(m[1])} {m[2]}：已发 {m[5]} 的 {m[4]}"),
    (rf"({_N}) still to be taken back", r"尚待追回 \1"),
    (r"taken back from before", "追回前期余额"),
    (r"left on (\S+)", r"\1 离职"),
    (r"corrections of (.+)$", r"\1 的更正"),
    (rf"recomputed ({_N}) - posted ({_N}) for (\S+)", r"\3 重算 \1 − 已入账 \2"),
    (r"not released before its condition", "未达发放条件"),
    # Functions about a person
    (r"no locked grade of (\S+) up to (\S+)", r"截至 \2 没有“\1”的已锁定等级"),
    (r"^grade (\S+) of (\S+)$", r"\2 等级 \1"),
    (r"no grade for (\S+)", r"\1 没有等级"),
    (rf"({_N}) of (\S+) elapsed", r"\2 已过 \1"),
    (r"nothing elapsed", "尚未开始"),
    (r"working days of (\S+)", r"\1 的工作日"),
    (rf"({_N}) in (\S+) - ({_N}) in (\S+)", r"\2 的 \1 − \4 的 \3"),
    (r"there is no remaining goal", "没有剩余目标"),
    (rf"open ({_N}) / remaining ({_N})", r"在途 \1 / 剩余 \2"),
    (r"held in (\d+) of (\d+) periods", r"\2 期中 \1 期成立"),
    (r"^of (\d+) periods by (\w+)$", lambda m: f"{m[1]} 期，按{_terms(m[2])}"),
    (rf"^kept on (\S+), ({_N}) came$", r"\1 留存，实际 \2"),
    (r"no forecast by (\w+) was kept (\S+) before the end",
     lambda m: f"没有在期末前 {m[2]} 留存的{_terms(m[1])}预测"),
    (r"^nothing came$", "实际为 0"),
    (r"the policy forecasts nothing", "制度没有规定预测"),
    (r"only (\d+) closed deals, fewer than the (\d+) it takes", r"只有 \1 个已结束的商机，少于所需的 \2 个"),
    (r"too few periods are known", "已知的期间太少"),
    (r"^(\d+) days$", r"\1 天"),
    (r"this source does not know what was collected, delivered or returned", "此数据来源不知道回款、交付与退货情况"),
    (r"this source only knows metrics and goals", "此数据来源只有指标与目标"),
    (r"records are shared between people, and this source does not know between whom",
     "业绩由多人分享，此数据来源不知道由谁分享"),
    (r"(\S+) is in no team", r"\1 不在任何团队"),
    (r"there is no appraisal (\S+)", r"没有考核方案 \1"),
    (r"no rate of (\S+) on (\S+)", r"\2 没有 \1 的汇率"),
    (r"(\d+) of (\d+) (\w+) of (\S+) again in (\S+)",
     lambda m: f"{m[4]} 的 {m[2]} 个{_terms(m[3])}中有 {m[1]} 个在 {m[5]} 再次出现"),
    (r"nobody was active in (\S+)", r"\1 没有活跃客户"),
    (r"too few ratings of (.+): their weight goes to the others",
     lambda m: f"{_terms(m[1])}评分人太少：权重归其他评分人"),
    (r"too few ratings", "评分人太少"),
    # Appraisals
    (rf"^(linear|steps|points|relative) curve at (.+) = ({_N})$",
     lambda m: f"{_CURVES[m[1]]}：{m[2]} 得 {m[3]} 分"),
    (r"^ratings: (.+)$", lambda m: f"评分：{m[1].replace(', ', '、')}"),
    (r"^it has no curve$", "没有评分曲线"),
    (r"^(\S+) has no goal$", r"\1 没有任务额"),
    (r"the median of the peers is not known or 0", "同级的中位数未知或为 0"),
    (r"^(.+) is missing: ", r"缺少“\1”："),
    (r"its weight goes to the others", "权重由其他指标分摊"),
    (r"\bit counts 0\b", "按 0 分计"),
    (r"the score is held", "暂不计分"),
    (r"^composite ", "综合得分 "),
    (r"(?<=: )to be passed first: ", "须先通过培训："),
    (r"^to be passed first: ", "须先通过培训："),
    (r"^trainings in (\S+): (\d+) of (\d+), (-?[\d.]+) points$", r"\1 培训 \2 次（应 \3 次）：\4 分"),
    (r"^gate (.+): (-?[\d.]+) points$", lambda m: f"前提条件（{_terms(m[1])}）：{m[2]} 分"),
    (r"^gate (.+): grade at most (\S+)$", lambda m: f"前提条件（{_terms(m[1])}）：等级最高 {m[2]}"),
    (r"^gate (.+) cannot be answered: ", lambda m: f"前提条件（{_terms(m[1])}）无法判断："),
    (r"^(mean|last|min|max) of (\d+) scores$", lambda m: f"{m[2]} 个得分{_COMBINED[m[1]]}"),
    (r"the others count", "其余照算"),
    (r"the goals within (\S+) differ, and they do not add up", r"\1 内各期的目标不同，且不能相加"),
    (r"(\S+) does not come in day by day", r"\1 不随天数累积"),
    (r"no record of (\S+) has a (\S+)", r"\1 中没有记录写明 \2"),
    (r"no rate of (\S+) on (\S+)", r"没有 \1 在 \2 的汇率"),
    (r"the base of the growth \((\S+)\) is 0", r"增长的基数（\1）为 0"),
    (r"no locked score of (\S+) in ([\w-]+(?:, [\w-]+)*)", r"\2 没有“\1”的已锁定得分"),
    # Steps of a commission
    (rf"^({_N}) to date - (\S+) earlier in (.+?)(?=;|$)", r"累计 \1 − \3 此前已计 \2"),
    (r"^(\S+) (\S+) earned (\S+)$", r"\1 \2，应得 \3"),
    (r"(?:^|(?<=; ))(\S+) more (.+) reaches the tier (.+), which pays (\S+) on what is above it$",
     r"\2 再增加 \1 即进入“\3”一档，超出部分按 \4 计"),
    (r"(?:^|(?<=; ))(\S+) more (.+) reaches the tier (.+), which pays (\S+) on everything$",
     r"\2 再增加 \1 即进入“\3”一档，全部按 \4 计"),
    (rf"({_N}) to ({_N})(?=\W|$)", r"\1 至 \2"),
    (rf"(?:^|(?<=[“(]))from ({_N})", r"\1 以上"),
    (r"\(below the first tier\)", "（未达到第一档）"),
    (r" × nothing", " × 0"),
    (r"(\S+) reaches no tier", r"\1，未进入任何一档"),
    (r"the condition holds", "条件成立"),
    (r"the condition does not hold", "条件不成立"),
    (r", rounded to ", "，取整为 "),
    (r", to the rounding unit", "，按取整单位取整"),
    (r"the sum of (\d+) periods", r"\1 期之和"),
    (r"the sum of (\d+) people", r"\1 人之和"),
    (r"that of (\d+) people", r"\1 人共同的数值"),
    (r"^(\d+) stretches of days$", r"\1 段期间之和"),
    (r"(\S+) is 0, and nothing is better", r"\1 为 0，没有更好的结果"),
    (r"^forced distribution: grade (\S+) instead of (\S+)$", r"强制分布：等级 \1，代替 \2"),
    (r"^from the contract$", "按合同约定"),
    (r"^fixed$", "固定值"),
    (r"^for (\S+)$", r"期间 \1"),
    # Goals worked out and checked
    (r"^goal (\S+?): the whole is not known", r"目标 \1：总目标未知"),
    (r"^goal (\S+?): not submitted yet for (\S+): (.+)$", r"目标 \1：\2 尚未提交：\3"),
    (r"^goal (\S+?): what was submitted is (\S+), (\S+) below the floor$", r"目标 \1：已提交合计 \2，比下限少 \3"),
    (r"^Give the whole: it closes the gap\.$", "填写总目标即可补上差额。"),
    (r"^less the days of absence: (.+)$", r"扣除缺勤天数：\1"),
    (r"^goal (\S+?): the step by (\w+) cannot be shared", lambda m: f"目标 {m[1]}：无法按{_terms(m[2])}分解"),
    (r"^goal (\S+?): the step by (\w+) needs records of it and is left out$",
     lambda m: f"目标 {m[1]}：没有{_terms(m[2])}的记录，这一步略过"),
    (r"^goal (\S+?): there is nobody to share (\S+) between by (\w+)$",
     lambda m: f"目标 {m[1]}：{m[2]} 没有可按{_terms(m[3])}分解的对象"),
    (r"^Declare the inputs, or add a fallback\.$", "请申报所需数据，或加上 fallback。"),
    (r"^goal / median of (\d+) like periods - 1$", r"任务额 / \1 个同类期间的中位数 − 1"),
    (r"^there is no history$", "没有历史数据"),
    (r"^exact, (\d+) independent deals$", r"由 \1 个独立商机精确计算"),
    (r"^(\S+), (\d+) runs, seed (\d+), standard error (\S+)$", r"模拟 \2 次（种子 \3），标准误 \4"),
    (r"^there are neither open deals nor past attainments$", "既没有进行中的商机，也没有过去的达成率"),
    (r"^there are no past attainments$", "没有过去的达成率"),
    (rf"^(\d+) attainments, median ({_N}), quartiles ({_N}) and ({_N})$", r"\1 次达成率，中位数 \2，四分位 \3 与 \4"),
    (r"^quota and potential of at least two territories are needed$", "需要至少两个区域的任务额与潜力"),
    (r"^(\S+) is furthest from its share of the potential$", r"\1 与其潜力占比相差最大"),
    (r"^at least three people are needed$", "需要至少三个人"),
    (r"^attainment of (\d+) people$", r"\1 人的达成率"),
    (r"^average deal, win rate and contacts are needed$", "需要平均单额、赢单率与联系次数"),
    (r"^there are no working days left$", "没有剩余工作日"),
    (rf"^({_N}) activities, ({_N}) possible$", r"需要 \1 次活动，可完成 \2 次"),
    # Why there is no value
    (r"there is no (?:quota|goal) (\S+) for (\S+)", r"\2 没有“\1”的任务额"),
    (r"there is no (?:quota|goal)(?!\w)", "没有任务额"),
    (r"there is no metric (\S+)", r"没有指标 \1"),
    (r"\bno (\w+) in (\S+)", lambda m: f"{m[2]} 没有{_terms(m[1])}"),
    (r"\bno value\b", "没有数值"),
    (r"only (\d+) records, fewer than the (\d+) it takes", r"只有 \1 条记录，少于所需的 \2 条"),
    (r"(\S+) is not known for (\S+)", lambda m: f"{m[2]}没有{_terms(m[1])}"),
    (r"the base of the growth \((\S+)\) is not known", lambda m: f"增长的基数（{_terms(m[1])}）未知"),
    (r"^the stages of past days are not kept$", "过去各日的阶段没有留存"),
    (r"^there are no customers$", "没有客户资料"),
    (r"^there are too many customers$", "客户太多，不回算"),
    (r"^it reads what is not known$", "它读取的内容系统没有记录"),
    (r"the policy gives no rate", "制度没有给出比例"),
    (r"the policy gives no amount", "制度没有给出金额"),
    (r"the rate table is not complete", "分档表不完整"),
    (r"the target is not complete", "目标值不完整"),
    (r"assigned person by person", "逐人指定"),
    (r"(.+) is not in force for the whole of (\S+)", r"\1 并非在 \2 全程有效"),
    (r"(\S+) does not lie in one (\w+)", lambda m: f"{m[1]} 不在同一个{_terms(m[2])}内"),
    (r"a ratio is not the sum of the members' ratios", "比率不能由成员的比率相加"),
    (r"(.+) divides by nothing", r"\1 的分母为零"),
    (r"(\S+) is missing\b", lambda m: f"缺少{_terms(m[1])}"),
    (r"\bin ([A-Z]{3}), not ([A-Z]{3})", r"币种为 \1，不是 \2"),
    (r"(\S+) is in ([A-Z]{3}), not ([A-Z]{3})", r"\1 的币种是 \2，不是 \3"),
    (r" is (-?\d[\d,.]*)$", r" 为 \1"),
    (r" with (?=\S+ = )", "，其中 "),
    (r"= ≈", "≈ "),
    (r"; ", "；"),
    (r"(?<=\S): ", "："),
    (r" >= ", " ≥ "),
    (r" <= ", " ≤ "),
)  # fmt: skip
_PHRASES = tuple((re.compile(pattern), words) for pattern, words in _WRITTEN)
