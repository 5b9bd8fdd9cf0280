"""The engine's own sentences in Chinese. It writes English, which is stored with results.

A sentence that is not here stays English; a test runs the example policies and looks for those.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from xiaoguan.policy import LINE_LABELS
from xiaoguan.policy.prose import WORDS

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
_JOINTS = {"and": "且", "or": "或", "not": "非", "in": "属于"}


def chinese(text: str) -> str:
    """A formula, note, label or issue of the engine as Chinese readers would put it."""
    if text in LINE_LABELS:
        return LINE_LABELS[text]
    for pattern, words in _PHRASES:
        text = pattern.sub(words, text)
    return text


def term(name: str, language: str) -> str:
    """What a term of somebody's contract is called, such as person.bonus; any other name stays."""
    known = WORDS.get(name) if name.startswith("person.") else None
    return known[language.startswith("zh")] if known else name


def _terms(expression: str) -> str:
    """Names and constants of an expression in words: status == 'signed' is 状态 = 已签约."""

    def word(found: re.Match[str]) -> str:
        known = WORDS.get(found[0])
        return known[1] if known else _JOINTS.get(found[0], found[0])

    return re.sub(r"'\w+'|[a-z_]+(?:\.[a-z_]+)*", word, expression).replace(" == ", " = ").replace(" != ", " ≠ ")


def _aggregate(found: re.Match[str]) -> str:
    name, inner, count, source, condition = found.groups()
    what = f"{count} 条{_terms(source)}"
    if inner:
        what += f"的{_terms(inner)}"
    return what + _AGGREGATES[name] + (f"（条件：{_terms(condition)}）" if condition else "")


_SECTIONS = {"metric": "指标", "component": "激励项", "goal": "目标", "plan": "方案", "the policy": "制度概要"}


def _kept(found: re.Match[str]) -> str:
    """A key of the policy, maybe of one of its sections, that is kept but not carried out."""
    what, _, owner = found[1].partition(" of ")
    words = "自下而上的任务额" if what == "the bottom-up target" else _terms(what)
    words = _terms(f"{what}_section") if f"{what}_section" in WORDS else words
    for name, title in _SECTIONS.items():
        words = re.sub(rf"^{name} (\S+)$", rf"{title} \1", words)
        owner = re.sub(rf"^{name}(?= |$)", title, owner)
    return f"“{words}”已收录并展示，尚未执行" + (f"（{owner}）" if owner else "")


_N = r"[\d,.%≈-]+"
_WRITTEN: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (rf"\b({'|'.join(_AGGREGATES)})\((.*?)\) of (\d+) (\w+)(?: with (.+))?$", _aggregate),
    # Issues
    (r"^(.+?) (?:is|are) kept and shown but not carried out yet$", _kept),
    (r"^Results do not contain it; nothing needs to be changed\.$", "核算结果不含这一项，制度不需要改动。"),
    (r"^(.+?): records held back for (\S+): (.+?) \((.*)\)$", r"\1：\2 有 \3 条记录暂缓计入（\4）"),
    (r"^(.+?): (\S+) is not calculated: ", r"\1：\2 未核算："),
    # Steps of a commission
    (rf"^({_N}) to date - (\S+) earlier in (.+?)(?=;|$)", r"累计 \1 − \3 此前已计 \2"),
    (r"^(\S+) (\S+) earned (\S+)$", r"\1 \2，应得 \3"),
    (r"^(\S+) more (.+) reaches the tier (.+), which pays (\S+) on what is above it$",
     r"\2 再增加 \1 即进入“\3”一档，超出部分按 \4 计"),
    (r"^(\S+) more (.+) reaches the tier (.+), which pays (\S+) on everything$",
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
    (r"^from the contract$", "按合同约定"),
    (r"^fixed$", "固定值"),
    (r"^for (\S+)$", r"期间 \1"),
    # Why there is no value
    (r"there is no (?:quota|goal) (\S+) for (\S+)", r"\2 没有“\1”的任务额"),
    (r"there is no (?:quota|goal)(?!\w)", "没有任务额"),
    (r"there is no metric (\S+)", r"没有指标 \1"),
    (r"\bno (\w+) in (\S+)", lambda m: f"{m[2]} 没有{_terms(m[1])}"),
    (r"\bno value\b", "没有数值"),
    (r"only (\d+) records, fewer than the (\d+) it takes", r"只有 \1 条记录，少于所需的 \2 条"),
    (r"(\S+) is not known for (\S+)", lambda m: f"{m[2]}没有{_terms(m[1])}"),
    (r"the base of the growth \((\S+)\) is not known", lambda m: f"增长的基数（{_terms(m[1])}）未知"),
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
