"""A business card, or the signature of a mail, as fields: plain rules over lines, no guess that is not visible.

read("张伟  采购总监\n海天智能科技有限公司\n手机 138 1234 5678  zhangwei@haitian.example")
{"name": "张伟", "title": "采购总监", "company": "海天智能科技有限公司", "phone": "13812345678", "email": ...}
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

import phonenumbers

from xiaoguan.base import companies

LONGEST = 4_000
_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘"
    "杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷"
    "施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪"
    "靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边辜吉饶刁瞿戚丘古米池"
    "滕晋苑邬臧畅宫来嵺苟全褚廉简娄盖符奚木穆党燕郎邸冀谈姬屠连郜晏栾郁商蒙计喻揭窦迟宇敖糜鄢冷卓花仇艾蓝都巩"
    "稽井练仲乐虞卞封竺冼原官衣楚佟栗匡宗应台巫鞠僧桑荆谌银扬明沙伏岑习胥保和蔺"
)
_COMPOUND = (
    *("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟"),
    *("公孙", "慕容", "令狐", "司徒", "夏侯", "端木", "南宫"),
)
_TITLES = (
    "董事长 总裁 副总裁 总经理 副总经理 经理 总监 副总监 主任 主管 部长 科长 处长 厂长 工程师 总工 顾问 "
    "助理 秘书 专员 代表 会计 出纳 采购 销售 客服 店长 教授 院长 所长 老师 律师 设计师 分析师 负责人 "
    "合伙人 创始人 董事 监事 书记 队长 组长 班长 技术员 业务员"
)
_TITLE = re.compile("|".join(sorted(_TITLES.split(), key=len, reverse=True)))
_LATIN_TITLE = re.compile(
    r"\b(?:manager|director|engineer|president|officer|ceo|cto|cfo|coo|head of|sales|buyer|purchas\w+|consultant"
    r"|assistant|founder|partner|secretary|representative|vp|lead)\b",
    re.IGNORECASE,
)
_COMPANY = re.compile(r"公司|集团|工厂|研究院|研究所|事务所|大学|医院|银行|商行|经营部|中心$|厂$")
_LATIN_COMPANY = re.compile(
    r"\b(?:co\.?,? ?ltd|ltd|limited|inc|llc|gmbh|corp|corporation|group|plc|company)\b", re.IGNORECASE
)
_ADDRESS = re.compile(
    r"(?:省|市|区|县|镇|乡).*(?:路|街|道|巷|号|大厦|广场|园|村|室|楼|层|座)|(?:路|街|大道)\d+号"
    r"|\b\d+\S* .*\b(?:road|rd|street|st|avenue|ave|lane|drive|floor|building)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^\s*(姓名|名字|联系人|公司名称|公司|单位名称|单位|职位|职务|手机号?|移动电话|电话|座机|传真|邮箱|电子邮件|e-?mail|mail|地址|公司地址|网址|网站|税号|统一社会信用代码|纳税人识别号|信用代码"
    r"|name|company|title|position|mobile|cell|phone|tel|fax|address|add|web|website|tax no\.?|m|t|f|e|a|w)\s*[:：]\s*",
    re.IGNORECASE,
)  # fmt: skip
_BY_LABEL = {
    "name": ("姓名", "名字", "联系人", "name"),
    "company": ("公司名称", "公司", "单位名称", "单位", "company"),
    "title": ("职位", "职务", "title", "position"),
    "address": ("地址", "公司地址", "address", "add", "a"),
    "fax": ("传真", "fax", "f"),
}
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_WEB = re.compile(r"(?:https?://|www\.)[^\s,;，；|]+", re.IGNORECASE)
_CODE = re.compile(r"(?<![0-9A-Za-z])[0-9A-HJ-NPQRTUWXY]{18}(?![0-9A-Za-z])")


def read(text: str, region: str = "CN") -> dict[str, str]:
    """The fields that the text tells: name, company, title, phone, mobile, email, website, address, tax_number.

    region    whose numbers are written without a country code.
    """
    found: dict[str, str] = {}
    rest: list[str] = []
    for line in unicodedata.normalize("NFKC", text[:LONGEST]).splitlines():
        rest += _labelled(line, found, region)
    left = [part for part in rest if not _guessed(part, found)]
    if "company" not in found and "name" in found:
        found["company"] = next((part for part in left if 3 < len(part) <= 20 and part[0] >= "\u3400"), "")
    if "phone" not in found and "mobile" in found:
        found["phone"] = found["mobile"]
    return {name: value for name, value in found.items() if value}


def _labelled(line: str, found: dict[str, str], region: str) -> list[str]:
    """Take what is sure out of a line (addresses of mail and web, codes, numbers); the parts that are left."""
    label = _LABEL.match(line)
    word = label[1].lower() if label else ""
    if word in _BY_LABEL["fax"]:
        return []
    body = line[label.end() :] if label else line
    for name, pattern in (("email", _EMAIL), ("website", _WEB), ("tax_number", _CODE)):
        for hit in pattern.findall(body):
            found.setdefault(name, hit if name != "website" or "://" in hit else f"https://{hit}")
            body = body.replace(hit, " ")
    name = next((n for n, words in _BY_LABEL.items() if word in words), "")
    if name:
        found.setdefault(name, body.strip(" ,;|"))
        return []
    body = _numbers(body, found, region)
    parts = re.split(r"\s{2,}|[|,;/·•\t]| - |(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])", body)
    return [kept for part in parts if (kept := _LABEL.sub("", part.strip() + " ").strip(" :-")) and len(kept) > 1]


def _numbers(body: str, found: dict[str, str], region: str) -> str:
    """Take phone numbers out of the text; a mobile one goes before others."""
    for hit in reversed(list(phonenumbers.PhoneNumberMatcher(body, region))):
        around = body[max(0, hit.start - 6) : hit.start].lower()
        if "传真" not in around and "fax" not in around:
            mobile = phonenumbers.number_type(hit.number) == phonenumbers.PhoneNumberType.MOBILE
            found["mobile" if mobile else "phone"] = _written(hit.number, region)
        body = body[: hit.start] + " " + body[hit.end :]
    return re.sub(
        r"(手机|电话|座机|传真|移动|tel|mobile|phone|cell|fax)\s*[:：.]?\s*$", "", body.strip(), flags=re.IGNORECASE
    )


def _written(number: phonenumbers.PhoneNumber, region: str) -> str:
    if phonenumbers.region_code_for_number(number) != region:
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))
    if phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE:
        return str(number.national_number)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)).replace(" ", "-")


def _guessed(part: str, found: dict[str, str]) -> bool:
    """Keep what an unlabelled part of a line is; whether that is known."""
    if "address" not in found and _ADDRESS.search(part):
        found["address"] = part
    elif "company" not in found and (_COMPANY.search(part) or _LATIN_COMPANY.search(part)):
        found["company"] = part
    elif "name" not in found and is_name(part):
        found["name"] = part
    elif "title" not in found and (_TITLE.search(part) or _LATIN_TITLE.search(part)) and len(part) <= 40:
        found["title"] = part
    elif "name" not in found and re.fullmatch(r"[A-Z][a-z'-]+(?: [A-Z][\w.'-]*){1,3}", part):
        found["name"] = part
    else:
        return False
    return True


def is_name(text: str) -> bool:
    """Whether the text looks like a Chinese name: a known surname and one or two characters more."""
    bare = re.sub("(?:先生|女士|小姐|老师)$", "", text).replace(" ", "")
    if bare != text and bare in _SURNAMES:
        return True
    if not all("\u4e00" <= char <= "\u9fff" for char in bare) or _TITLE.search(bare):
        return False
    if bare.startswith(_COMPOUND):
        return 3 <= len(bare) <= 4
    return 2 <= len(bare) <= 3 and bare[:1] in _SURNAMES


def as_fields(found: Mapping[str, str], names: list[str]) -> dict[str, str]:
    """What of it the fields of a form take. A form without a company is of the company itself: its name is that."""
    told = dict(found)
    if "company" not in names and "customer" not in names and "company" in told:
        told["name"] = told["company"]
    if code := told.get("tax_number"):
        told["tax_number"] = companies.tax_number(code)
    person = "company" in names or "customer" in names
    if "phone" in told and "mobile" in told and "mobile" not in names and person:
        told["phone"] = told["mobile"]
    if "address" in told and "address" not in names and "note" in names:
        told["note"] = told["address"]
    return {name: told[name] for name in names if name in told}
