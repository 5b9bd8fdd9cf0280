"""What the check of a policy says, in Chinese: each message and remedy as a whole, since half a sentence helps nobody.

The engine writes English. A sentence that is not here is shown as it is written; a test breaks the example policies in
all known ways and looks for those.
"""

from __future__ import annotations

import re

from xiaoguan.policy.prose import WORDS

_S = r"(\S+)"
_Q = r"('[^']*'|\"[^\"]*\")"
_ANY = r"(.+?)"

_WRITTEN: tuple[tuple[str, str], ...] = (
    # 文本
    (r"a tab stands in the line", "这一行有制表符"),
    (r"Use spaces\.", "请改用空格。"),
    (r"the document is empty", "文档是空的"),
    (r"Start from a file in policies/\.", "可从 policies/ 中的样板开始。"),
    (rf"the text is not YAML(?:: {_ANY})?", r"文本不是有效的 YAML：\1"),
    (rf"while {_ANY} expected {_ANY}, but (?:got|found) {_ANY}", r"此处 YAML 结构有误：应为 \2，实为 \3"),
    (rf"(?:while|did not) {_ANY}", r"此处 YAML 结构有误（\g<0>）"),
    (rf"the key {_Q} is there twice, first in line (\d+)", r"键 \1 重复，先见于第 \2 行"),
    (rf"(an anchor|an alias|a tag) \({_ANY}\) is used", r"使用了锚点、引用或标签（\2）"),
    (r"a merge key \(<<\) is used", "使用了合并键（<<）"),
    (r"a second document begins", "出现了第二个文档"),
    (r"Keep one policy in one file\.", "一个文件只写一份制度。"),
    (r"Write the (?:value out at each place|keys out)\.", "请在每处直接写出。"),
    (r"Leave it out; the key gives the type\.", "请删除；类型由键决定。"),
    (r"Correct the YAML of this line; (\S+) says how a policy is written\.", r"请修正这一行的 YAML；写法见 \1。"),
    # 键与值
    (rf"unknown key {_Q}", r"没有 \1 这个键"),
    (rf"the key {_Q} is missing", r"缺少键 \1"),
    (r"keys and values are expected here", "此处应为键和值"),
    (r"a single value is expected here", "此处应为单个值"),
    (r"a list is expected here", "此处应为列表"),
    (r"a list of cases is expected", "此处应为案例列表"),
    (r"points are expected here", "此处应为折线上的点"),
    (rf"{_Q} is not a percentage; write {_S} if that is meant", r"\1 不是百分比；若是此意请写 \2"),
    (rf"{_Q} is not a number; write {_ANY}", r"\1 不是数字；请写成 \2"),
    (rf"{_Q} is not a whole number", r"\1 不是整数"),
    (rf"{_Q} is not a date; write it as {_S}", r"\1 不是日期；请写成 \2"),
    (rf"{_Q} is not a duration; write {_ANY}", r"\1 不是时长；请写成 \2"),
    (rf"{_Q} is not a day of the year; {_ANY}", r"\1 不是月日；请写成 04-01"),
    (rf"{_Q} is neither true nor false", r"\1 既不是 true 也不是 false"),
    (rf"{_Q} is not a weekday; write mon to sun", r"\1 不是星期；请写 mon 至 sun"),
    (rf"{_Q} is not an id; {_ANY}", r"\1 不能作为标识；标识由字母、数字和 _ 组成，如 annual_bookings"),
    (rf"{_Q} is not possible here", r"此处不能写 \1"),
    (rf"Did you mean {_Q}\?", r"是否为 \1？"),
    (rf"Write one of: {_ANY}\.", r"可写：\1。"),
    (r"Write (?:it|the value) as (docs/\S+) shows\.", r"写法见 \1。"),
    (r"(docs/\S+) lists the keys\.", r"可用的键见 \1。"),
    (r"(docs/\S+) has functions, operators and units\.", r"函数、运算符和单位见 \1。"),
    (r"Add basis with the metric(?: it is paid on)?\.", "请补上 basis，写明指标。"),
    (r"Add of: with the metric\.", "请补上 of，写明指标。"),
    (r"Add (\w+)\.", r"请补上 \1。"),
    (r"Add (.+?) to the (plan|stage in which a deal is won|metric)\.", r"请补上 \1。"),
    (r"Add (.+)\.", r"请补上 \1。"),
    (r"Write it like (.+)\.", r"写法如 \1。"),
    (r"Write (.+), or (.+)\.", r"请写 \1，或 \2。"),
    (r"Write 0\.01 half_up: (\S+) is rounded to its minor unit, half up\.",
     r"请写 0.01 half_up：\1 四舍五入到最小单位。"),
    (r"Write (.+)\.", r"请写 \1。"),
    (r"There is none yet\.", "目前还没有。"),
    (r"There are (.+)\.", r"可用的有：\1。"),
    (r"Dates of (\S+) are (.+)\.", r"\1 的日期字段有：\2。"),
    (r"Change them so that they do\.", "请调整到合计 100%。"),
    (r"Give one of them another id\.", "请给其中一个换标识。"),
    (r"Exchange them\.", "请对调。"),
    (r"Leave (.+) out\.", r"请删除 \1。"),
    (r"Leave one out\.|Keep one of them\.", "只保留一个。"),
    (r"Put them in rising order\.|Put the (?:tiers|levels) in rising order\.", "请按从低到高排列。"),
    (r"Put the best class first\.", "请把最好的等级放在最前。"),
    # 制度头与期间
    (rf"the policy ends on {_S}, not after it begins on {_S}", r"制度于 \1 失效，不晚于生效日 \2"),
    (r"`to` is the first day on which it no longer holds\.", "`to` 是不再有效的第一天。"),
    (rf"the policy begins inside the {_S} {_S}; {_S} is not calculated for it",
     r"制度在 \1 \2 中途生效；该期不核算 \3"),
    (rf"the policy begins inside the {_S} {_S}; {_S} follows the version before it until {_S}",
     r"制度在 \1 \2 中途生效；\4 前 \3 仍按上一版本执行"),
    (rf"Begin it on {_S} or {_S}, or keep the earlier version for this {_S}\.",
     r"请自 \1 或 \2 起生效，或由上一版本执行完本期。"),
    (rf"the policy ends inside the {_S} {_S}; {_S} is not calculated for it", r"制度在 \1 \2 中途失效；该期不核算 \3"),
    (rf"{_Q} is not a period of the calendar", r"期间日历中没有 \1"),
    (rf"role {_Q} is not in the scope of the policy", r"角色 \1 不在制度适用范围内"),
    (rf"there is no time zone {_Q}", r"没有时区 \1"),
    (rf"money is not rounded as {_Q}", r"金额不能按 \1 取整"),
    (rf"quota rounding {_Q} is not understood", r"任务额取整 \1 无法理解"),
    (rf"(\w+) {_Q} is there twice, first in line (\d+)", r"\2 重复，先见于第 \3 行"),
    # 引用与公式
    (rf"there is no (\w[\w -]*) {_Q}", r"没有 \2（\1）"),
    (rf"(?:commission|goal|indicator) {_S} names no metric: {_Q}", r"\1 引用的指标 \2 不存在"),
    (rf"(?:metric|spiff) {_S}: there is no fact table {_Q}", r"\1 引用的事实表 \2 不存在"),
    (rf"(?:metric|spiff) {_S}: {_Q} is not a date of {_S}", r"\1 的日期 \2 不是 \3 的日期字段"),
    (rf"metric {_S}: it needs itself: {_ANY}", r"指标 \1 循环引用：\2"),
    (r"Take one of them out of the circle\.", "请去掉循环中的一环。"),
    (rf"(?:(?:metric|component) {_S}: )?in \"{_ANY}\" at column (\d+): {_Q} is not known here",
     r"公式 \2 第 \3 列：不认识 \4"),
    (rf"(?:metric {_S}: )?in \"{_ANY}\" at column (\d+): {_Q} is (.+?) and {_Q} is (.+?): they cannot be (\w+)",
     r"公式 \2 第 \3 列：\4 与 \6 的单位不同，不能运算"),
    (rf"(?:metric {_S}: )?in \"{_ANY}\" at column (\d+): {_Q} is (.+?), but (.+?) is needed",
     r"公式 \2 第 \3 列：\4 的单位不符"),
    (rf"(?:metric {_S}: )?in \"{_ANY}\" at column (\d+): (\w+)\(\) is not a function that can stand here",
     r"公式 \2 第 \3 列：此处不能用函数 \4()"),
    (rf"(?:metric {_S}: )?in \"{_ANY}\" at column (\d+): {_Q} cannot stand here", r"公式 \2 第 \3 列：此处不能写 \4"),
    (rf"(?:metric {_S}: )?in \"{_ANY}\" at column (\d+): {_ANY}", r"公式 \2 第 \3 列有误：\4"),
    (rf"in \"{_ANY}\" {_ANY} names no (\w+)", r"公式 \1：\2 引用的对象不存在"),
    (r"Division is written ratio\(a, b, empty=missing\)\.", "除法请写 ratio(a, b, empty=missing)。"),
    (rf"{_S} is not carried out yet", r"\1 尚未执行"),
    # 合计
    (rf"the weights of the step by {_S} add up to {_S}, not to 100%", r"按 \1 分解的权重合计 \2，不是 100%"),
    (rf"(?:the )?(.+?) (?:of|for) (.+?) add up to {_S}, not to 100%", r"\2 的比例合计 \3，不是 100%"),
    # 费率表
    (rf"the (?:tier|level) (?:from|up to) {_S} stands after the one (?:from|up to) {_S}", r"\1 排在 \2 之后，次序不对"),
    (rf"what is below {_S} has no rate", r"低于 \1 的部分没有费率"),
    (r"Begin with from: 0 and rate: 0%\.", "请从 from: 0、rate: 0% 开始。"),
    (rf"the tier from {_S} has no {_ANY}", r"\1 档没有 \2"),
    (r"the table has no tiers", "费率表没有分档"),
    (r"tiers by attainment are bounded by percentages", "按达成率分档时，档位须为百分比"),
    (r"tiers by amount are bounded by amounts", "按金额分档时，档位须为金额"),
    (rf"commission {_S} pays on {_S} but its tiers are cut by the attainment of {_S}: "
     r"the part inside a tier is not defined",
     r"提成 \1 按 \2 计提，却按 \3 的达成率分档：档内部分无法界定"),
    (r"Use mode: slab, or a goal on the same metric\.", "请用 mode: slab，或改用同一指标的目标。"),
    (rf"at {_S} the rate on everything goes from {_S} to {_S}", r"到 \1 时，全部业绩的费率由 \2 变为 \3"),
    (rf"at {_S} the rate on everything goes from {_S} to {_S}: the pay jumps by {_S}",
     r"到 \1 时，全部业绩的费率由 \2 变为 \3，提成跳变 \4"),
    (rf"at {_S} the rate on everything goes from {_S} to {_S}: the pay jumps by {_S} of the quota",
     r"到 \1 时，全部业绩的费率由 \2 变为 \3，提成跳变任务额的 \4"),
    (rf"at {_S} the rate on everything goes from {_S} to {_S}: the pay jumps by {_S} of the target",
     r"到 \1 时，比例由 \2 变为 \3，奖金跳变目标奖金的 \4"),
    (r"That is how slab works; marginal has no jumps\.", "这是全额累进（slab）的特点；超额累进（marginal）没有跳点。"),
    (rf"the points of {_S} do not rise|the points do not rise", r"折线的点没有从低到高排列"),
    (rf"the bounds of the {_S} of {_S} do not rise", r"\2 的档位没有从低到高排列"),
    # 激励
    (rf"commission {_S} needs either rate or tiers", r"提成 \1 须有 rate 或 tiers 之一"),
    (rf"commission {_S} is paid on {_S}, which is a {_S} and not an amount", r"提成 \1 的计算基础 \2 不是金额"),
    (rf"bonus {_S} has both an amount and a target", r"奖金 \1 同时有 amount 和 target"),
    (rf"component {_S} ends before it begins", r"\1 的有效期止于起始日之前"),
    (rf"the draw of plan {_S} is recoverable but never recovered", r"方案 \1 的预支可收回，却没有归还比例"),
    (rf"what plan {_S} holds back is never released", r"方案 \1 的留存从不发放"),
    (rf"a claw-back cannot take {_Q}", r"追回不能写 \1"),
    (rf"the cap of {_S} is below 0", r"\1 的封顶低于 0"),
    (rf"matrix {_S} has no {_ANY}", r"矩阵 \1 缺少 \2"),
    (rf"the cells of matrix {_S} are not (\d+) rows of (\d+)", r"矩阵 \1 的格子不是 \2 行 \3 列"),
    (r"Give every row and column its cell\.", "请为每行每列都填上数值。"),
    (rf"plan {_S} takes pay back but does not say what holds after leaving", r"方案 \1 有追回，却没有写离职后如何处理"),
    (rf"(?:spiff|pool) {_S} has no {_S}", r"\1 缺少 \2"),
    (rf"pool {_S} is divided by credit but does not say of which metric",
     r"奖金池 \1 按业绩分配，却没有写是哪个指标的业绩"),
    (rf"the tiers of {_S} cut {_S} into parts, but the lower it is the better",
     r"\1 的分档要切分 \2，而该指标越低越好"),
    (r"Use mode: slab, or interpolated\.", "请用 mode: slab 或 interpolated。"),
    (rf"commission {_S} pays on {_S} but its tiers are cut by the number of records",
     r"提成 \1 按 \2 计提，却按笔数分档"),
    (rf"commission {_S} pays on {_S} but its tiers are cut by {_S}", r"提成 \1 按 \2 计提，却按 \3 分档"),
    (r"Use mode: slab, interpolated or amount, or leave of out and cut by: amount\.",
     "请用 mode: slab、interpolated 或 amount，或去掉 of，改用 by: amount。"),
    (rf"bonus {_S} looks up a tier by {_S} but does not say of which metric",
     r"奖金 \1 按 \2 查档，却没有写是哪个指标"),
    (rf"tiers by {_S} are looked up by {_S}, which is (?:a|an) {_S}", r"按 \1 分档，查档用的 \2 却是 \3 类型"),
    (rf"a gate limits {_S} to a share of its target, but a {_S} has none", r"\1 的前提按目标比例封顶，而 \2 没有目标"),
    (rf"{_Q} may mean {_S} or {_S}; write one of them", r"\1 可能指 \2，也可能指 \3；请写明其一"),
    (rf"the score of {_S} has no end where {_S} is 0", r"\2 为 0 时，\1 的得分没有上限"),
    # 目标、流程、考核
    (rf"the target of goal {_S} is not a multiple of its rounding unit {_S}",
     r"目标 \1 的数值不是取整单位 \2 的整数倍"),
    (r"Round it, or change policy\.rounding\.quota\.", "请取整，或修改 policy.rounding.quota。"),
    (rf"goal {_S} cuts a {_S} into parts, but ratios and scores do not add up",
     r"目标 \1 分解的是比率或得分，无法相加"),
    (rf"the ramp of goal {_S} leaves 0% to 100%", r"目标 \1 的爬坡比例超出 0% 至 100%"),
    (rf"stage {_S} has a probability of {_S}", r"阶段 \1 的成交概率为 \2"),
    (rf"stage {_S} has a lower probability than the stage before it", r"阶段 \1 的成交概率低于前一阶段"),
    (rf"stage {_S} comes after {_Q}, which is no closing stage above it",
     r"阶段 \1 排在 \2 之后，而 \2 不是其上的结束阶段"),
    (rf"process {_S} has no stage that closes: won", r"流程 \1 没有赢单阶段（closes: won）"),
    (rf"grade {_S} of {_S} begins at {_S}, but the highest score is {_S}", r"等级 \1 自 \3 分起，而最高只能得 \4 分"),
    (r"Lower the bound, or raise a cap\.", "请降低分数线，或提高上限。"),
    (rf"(.+?) is never reached: the highest score is {_S}", r"\1 永远达不到：最高只能得 \2 分"),
    (rf"follow-up rule {_S} says neither every nor at", r"跟进规则 \1 既没有 every 也没有 at"),
    (r"It has no value here; with facts from files \(xiaoguan calc\) it may\.",
     "它在本系统没有数值；用文件数据（xiaoguan calc）核算时可以有。"),
)  # fmt: skip

_PERIOD = re.compile(r"(?<=制度在 )(month|quarter|half_year|year) ")
_HERE = " in this installation"
FAULTS = tuple((re.compile(f"(?:{pattern})$"), words) for pattern, words in _WRITTEN)


def chinese(text: str) -> str | None:
    """A message or remedy of the check in Chinese; None for any other sentence of the engine."""
    if (general := text.removesuffix(_HERE)) != text:
        return None if (said := chinese(general)) is None else f"本系统：{said}"
    for pattern, words in FAULTS:
        if found := pattern.match(text):
            return _PERIOD.sub(lambda kind: f"{WORDS[kind[1]][1]} ", found.expand(words))
    return None
