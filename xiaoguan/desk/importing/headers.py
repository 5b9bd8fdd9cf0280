"""Which column of a foreign table is which field: by the names that other systems and people give them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from hashlib import sha256

from django.utils import translation

from xiaoguan.desk.desk import Desk, remembered

KEY = "="
"""The target of a column that holds the record's id in the other system."""
FIRST_NAME, LAST_NAME = "name:first", "name:last"
ALIKE = 0.86

# Other systems' export headers, folded by `folded`. A name may stand for fields of several entities.
WORDS: dict[str, dict[str, str]] = {
    "customer": {
        "name": "account name|account|company name|company|organization name|organisation name|organization|"
        "organisation|client|customer|display name|full name|customer name|客户名称|公司名称|企业名称|单位名称|"
        "客户|公司|"
        "客户全称|企业|公司全称",
        "phone": "phone|telephone|phone number|tel|mobile|company phone|mobile phone|电话|联系电话|手机|手机号|"
        "座机|公司电话",
        "email": "email|e mail|email address|company email|邮箱|电子邮件|电子邮箱|邮件",
        "website": "website|url|web site|website url|company domain name|domain|homepage|官网|网址|网站|公司网址",
        "industry": "industry|sector|行业|所属行业|所在行业",
        "city": "city|billing city|shipping city|town|mailing city|城市|市|所在城市|所在地",
        "country": "country|billing country|country region|shipping country|country code|国家|国家地区",
        "tax_number": "vat|vat number|tax id|tax identifier|tax number|税号|纳税人识别号|统一社会信用代码|信用代码",
        "owner": "owner|account owner|company owner|owner name|salesperson|sales rep|user|assigned to|负责人|"
        "所属销售|"
        "归属人|客户经理|业务员|跟进人|所有人",
        "grade": "grade|rating|level|priority|客户级别|级别|等级|客户等级",
        "channel": "channel|type|account type|渠道|客户类型",
        "origin": "source|lead source|original source|account source|来源|客户来源",
        "note": "description|notes|note|comments|comment|remark|remarks|background|备注|描述|说明|客户描述",
        "registered_on": "created date|create date|created time|created on|creation date|created|created at|创建时间|"
        "创建日期|录入时间",
        "next_contact_on": "next contact|next activity date|next step date|下次跟进时间|下次联系时间|下次跟进日期",
        "territory": "territory|region|区域|大区|所属区域",
    },
    "contact": {
        "name": "contact name|full name|contact|person name|person|联系人|联系人姓名|姓名|联系人名称|display name",
        "customer": "account name|company|company name|organization|organisation|organization name|account|customer|"
        "associated company|related company|related company name|公司|所属公司|客户|客户名称|所属客户|单位|"
        "公司名称|company id",
        "title": "title|job title|position|role|function|职位|职务|岗位",
        "phone": "mobile|mobile phone|phone|phone number|work phone|phone work|phone home|phone other|tel|cell phone|"
        "business phone|手机|手机号|电话|联系电话|移动电话|phones number",
        "email": "email|email address|e mail|e mail address|email work|work email|email home|email other|邮箱|"
        "电子邮件|"
        "电子邮箱|工作邮箱|emails email",
        "primary": "primary|main contact|is primary|主联系人|是否主要联系人|关键联系人",
    },
    "lead": {
        "name": "lead name|full name|contact name|contact|person name|opportunity|姓名|线索名称|联系人|线索|线索姓名",
        "company": "company|company name|account name|organization|organization name|公司|公司名称|企业名称|"
        "单位|partner name",
        "phone": "phone|mobile|phone number|mobile phone|手机|电话|联系电话|手机号",
        "email": "email|email address|e mail|邮箱|电子邮件|email from",
        "origin": "lead source|source|original source|来源|线索来源",
        "status": "status|lead status|stage|状态|线索状态|跟进状态",
        "owner": "owner|lead owner|salesperson|assigned to|负责人|跟进人|所属销售",
        "received_on": "created date|create date|created time|received|创建时间|创建日期",
        "note": "description|notes|note|internal notes|message|comments|备注|描述|线索详情",
    },
    "opportunity": {
        "title": "opportunity name|opportunity|deal name|deal title|deal|name|potential name|商机名称|商机|"
        "商机标题|项目名称",
        "customer": "account name|account|company|company name|organization|customer|customer name|"
        "associated company|"
        "account id|客户|客户名称|公司|所属客户|partner id",
        "owner": "owner|opportunity owner|deal owner|salesperson|user|负责人|所属销售|商机负责人",
        "stage": "stage|stage name|deal stage|sales stage|pipeline stage|阶段|销售阶段|商机阶段",
        "amount": "amount|value|deal value|expected revenue|revenue|total|金额|商机金额|预计成交金额|预计销售金额",
        "currency": "currency|currency code|amount currency|币种|货币",
        "closes_on": "close date|expected close date|closing date|expected closing|closing|预计成交日期|"
        "预计签单日期|结单日期",
        "opened_on": "created date|create date|created time|创建时间|创建日期",
        "origin": "lead source|source|来源|商机来源",
        "note": "description|notes|note|next step|备注|描述",
    },
    "activity": {
        "subject": "subject|title|activity|task|name|summary|主题|标题|事项|跟进内容",
        "kind": "type|kind|activity type|task type|类型|跟进方式|活动类型",
        "customer": "account name|company|organization|customer|account|客户|客户名称",
        "contact": "contact|contact name|联系人",
        "opportunity": "opportunity|deal|deal title|商机",
        "owner": "owner|assigned to|user|organizer|负责人|跟进人",
        "due_on": "due date|due|date|start|start date|activity date|截止日期|到期日|开始时间|跟进时间",
        "done_on": "completed|completed date|done|closed date|完成时间|完成日期",
        "minutes": "minutes|duration|时长",
        "note": "description|notes|note|comments|content|备注|内容|描述",
    },
    "product": {
        "name": "product name|product|item|display name|产品名称|产品|商品名称|商品",
        "number": "product code|sku|code|internal reference|product number|item number|reference|编码|产品编码|"
        "产品编号|货号",
        "list_price": "list price|price|sales price|unit price|standard price|单价|价格|标价|销售价",
        "cost": "cost|cost price|成本|成本价",
        "category": "category|product category|product family|family|类别|产品类别|分类",
        "currency": "currency|币种",
        "active": "active|is active|在售|是否上架",
    },
    "order": {
        "number": "order number|order|order no|number|订单编号|订单号|合同编号",
        "customer": "customer|account name|company|client|客户|客户名称",
        "owner": "owner|salesperson|负责人|业务员",
        "status": "status|order status|状态|订单状态",
        "ordered_on": "order date|date|signed|signed on|下单日期|订单日期|签订日期",
        "net_amount": "net amount|subtotal|untaxed amount|不含税金额",
        "tax_amount": "tax|tax amount|税额",
        "total_amount": "total|amount|grand total|total amount|订单金额|金额|合同金额|含税金额",
        "currency": "currency|币种",
        "due_on": "due date|due|应收日期|到期日",
        "delivered_on": "delivered|delivery date|delivered on|交付日期|交货日期|交车日期",
    },
    "person": {
        "name": "employee name|full name|user|employee|姓名|员工姓名|员工",
        "email": "email|email address|work email|邮箱",
        "phone": "mobile|phone|mobile phone|手机|电话",
        "position": "position|job title|title|职位|岗位",
        "hired_on": "hire date|hired|start date|入职日期|入职时间",
    },
}
FIRST = frozenset(("first name", "given name", "firstname", "名"))
LAST = frozenset(("last name", "surname", "family name", "lastname", "姓"))
IDS = frozenset(("id", "record id", "external id", "uid", "唯一性id", "数据id", "主键", "系统编号"))

# Headers by which an export tells where it comes from; all of them must be there.
SYSTEMS: dict[str, tuple[frozenset[str], ...]] = {
    "salesforce": (
        frozenset(("id", "ownerid", "systemmodstamp")),
        frozenset(("account id", "account owner")),
        frozenset(("opportunity id", "opportunity owner")),
        frozenset(("lead id", "lead owner")),
        frozenset(("contact id", "account name")),
    ),
    "hubspot": (
        frozenset(("record id", "lifecycle stage")),
        frozenset(("record id", "create date")),
        frozenset(("record id", "deal stage")),
        frozenset(("record id", "company owner")),
    ),
    "zoho": (
        frozenset(("record id", "created time")),
        frozenset(("record id", "modified time")),
        frozenset(("account name", "created by", "modified time")),
    ),
    "odoo": (frozenset(("external id",)), frozenset(("id", "display name", "complete name"))),
    "pipedrive": (frozenset(("person name", "organization name")), frozenset(("deal title", "deal value"))),
    "fxiaoke": (frozenset(("唯一性id",)), frozenset(("生命状态", "归属部门")), frozenset(("负责人", "锁定状态"))),
    "atomic-crm": (frozenset(("first name", "company id", "sales id")), frozenset(("last seen", "has newsletter"))),
}

_SIGNS = re.compile(r"[^0-9a-z\u3400-\u9fff]+")
_ASIDE = re.compile(r"[(((\[【].*?[)))\]】]")
_PREFIXES = re.compile(r"^(person|organi[sz]ation|deal|lead|activity|note|account|contact|company) (?=.)")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def folded(header: str) -> str:
    """A header without case, signs and asides: "Person - Name*" is "person name", "客户名称(必填)" is "客户名称"."""
    bare = _ASIDE.sub(" ", _CAMEL.sub(" ", header)) or header
    return " ".join(_SIGNS.sub(" ", bare.lower().removesuffix("__c")).split())


def signature(columns: Sequence[str]) -> str:
    """The same for the same set of headers, by which a mapping is remembered."""
    return sha256("\n".join(sorted(columns)).encode()).hexdigest()[:32]


def system_of(columns: Sequence[str]) -> str:
    """The system that wrote the file; "" if its headers do not tell."""
    names = {folded(column) for column in columns}
    joined = names | {name.replace(" ", "") for name in names}
    return next((name for name, marks in SYSTEMS.items() if any(mark <= joined for mark in marks)), "")


@remembered
def known(desk: Desk) -> Mapping[str, str]:
    """{folded name: field} of everything that names a field of this desk: its own names and labels, then WORDS."""
    found: dict[str, str] = {}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            for name in desk.form_fields:
                label = folded(str(desk.model._meta.get_field(name).verbose_name))
                found.setdefault(label, name)
                found.setdefault(f"{desk.label} {label}".lower(), name)
                found.setdefault(f"{desk.label}{label}", name)
    for name in desk.form_fields:
        found.setdefault(folded(name.replace("_", " ")), name)
    for name, words in WORDS.get(desk.key, {}).items():
        for word in words.split("|") if name in desk.form_fields else ():
            found.setdefault(word, name)
            found.setdefault(word.replace(" ", ""), name)
    return found


def guess(desk: Desk, columns: Sequence[str], allowed: Sequence[str]) -> dict[str, str]:
    """{column: field} as far as the names tell; a column that fits nothing is left out.

    A field may come from several columns (three e-mail addresses); the first that is filled counts.
    """
    names = {word: name for word, name in known(desk).items() if name in allowed}
    found: dict[str, str] = {}
    sure: set[str] = set()
    person = "name" in allowed and any(folded(c) in FIRST for c in columns) and any(folded(c) in LAST for c in columns)
    for column in columns:
        bare = folded(column)
        if bare in IDS or bare == f"{desk.key} id":
            found[column] = KEY
        elif person and bare in FIRST | LAST:
            found[column] = FIRST_NAME if bare in FIRST else LAST_NAME
        elif (name := names.get(bare) or names.get(bare.replace(" ", ""))) is not None:
            found[column] = name
            sure.add(name)
    for column in columns:
        if column in found:
            continue
        name = _nearly(folded(column), names, desk.key)
        if name and name not in sure:
            found[column] = name
            sure.add(name)
    return _once(found, KEY)


def _nearly(bare: str, names: Mapping[str, str], key: str) -> str | None:
    """Without the entity that stands before it, or with a letter or two that differ."""
    short = _PREFIXES.sub("", bare)
    if short != bare and bare.split()[0] in (key, "person" if key in ("contact", "lead") else key) and short in names:
        return names[short]
    if len(bare) < 5:
        return None
    like = SequenceMatcher(b=bare)
    best, most = "", 0.0
    for word in names:
        like.set_seq1(word)
        if like.real_quick_ratio() < ALIKE or like.quick_ratio() < ALIKE:  # bounds that cost little
            continue
        if (ratio := SequenceMatcher(None, bare, word).ratio()) > most:
            best, most = word, ratio
    return names[best] if most >= ALIKE else None


def _once(found: dict[str, str], target: str) -> dict[str, str]:
    """The target for the first column that has it only."""
    first = next((column for column, name in found.items() if name == target), None)
    return {column: name for column, name in found.items() if name != target or column == first}
