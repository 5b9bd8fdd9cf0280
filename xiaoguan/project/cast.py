"""示范公司, the demo company, as literal lists: who works there, where and what they sell, and the words of which
customers, subjects and notes are put together. Nobody and no company in here is real.
"""

from __future__ import annotations

from dataclasses import dataclass

COMPANY = "示范公司"
MAIL = "shifan.example"
PASSWORD = "try-xiaoguan-demo"

# Who works there


@dataclass(frozen=True)
class Player:
    """One person.

    strength   how much they sell beside an average colleague, effort: how many calls and visits beside one
    places     keys of PLACES that they cover
    hired      months before today; None: before the system came. left: months before today
    moves_to   the team they change to at the turn of the year
    """

    key: str
    name: str
    role: str
    team: str
    position: str
    strength: float = 0.0
    effort: float = 1.0
    places: tuple[str, ...] = ()
    hired: int | None = None
    left: int | None = None
    moves_to: str = ""


def _leader(key: str, name: str, team: str, strength: float, *places: str) -> Player:
    return Player(key, name, "sales_manager", team, "sales_manager", strength, 0.7, places)


def _rep(
    key: str, name: str, team: str, level: str, strength: float, effort: float, *places: str, **more: object
) -> Player:
    return Player(key, name, "sales_rep", team, level, strength, effort, places, **more)


def _office(key: str, name: str, role: str, position: str) -> Player:
    return Player(key, name, role, "office", position)


PLAYERS = (
    _office("sunzong", "孙总", "general_manager", "general_manager"),
    _office("zhaoyue", "赵越", "finance", "finance"),
    _office("wufang", "吴芳", "operations", "operations"),
    _office("helin", "何琳", "hr", "hr"),
    _office("gaoxiang", "高翔", "administrator", "administrator"),
    _office("qinyue", "秦悦", "finance", "cashier"),
    _office("maoying", "毛颖", "operations", "operations"),
    _office("fanzhe", "范哲", "hr", "hr"),
    _leader("chenmin", "陈敏", "east", 0.95, "shanghai", "jiangsu"),
    _rep("linjing", "林静", "east", "senior", 1.22, 1.15, "jiangsu", "shanghai"),
    _rep("zhouhang", "周航", "east", "junior", 0.85, 1.2, "shanghai", hired=2),
    _rep("shenjiayi", "沈佳怡", "east", "senior", 1.3, 1.05, "zhejiang"),
    _rep("luchen", "陆晨", "east", "middle", 0.92, 0.9, "shanghai"),
    _rep("guxiaowen", "顾晓雯", "east", "middle", 1.05, 1.1, "jiangsu"),
    _rep("xubowen", "许博文", "east", "senior", 1.1, 1.0, "zhejiang", moves_to="abroad"),
    _rep("dingrui", "丁瑞", "east", "junior", 0.88, 1.1, "anhui", hired=9),
    _leader("liqiang", "李强", "north", 0.9, "beijing"),
    _rep("wanglei", "王磊", "north", "senior", 1.15, 0.95, "beijing", "hebei"),
    _rep("songjia", "宋佳", "north", "middle", 0.98, 1.05, "shandong"),
    _rep("handong", "韩冬", "north", "middle", 0.78, 0.8, "tianjin"),
    _rep("cuihao", "崔浩", "north", "middle", 1.08, 1.0, "shandong"),
    _rep("baixue", "白雪", "north", "middle", 0.95, 1.15, "beijing"),
    _rep("yuhaiyan", "于海燕", "north", "junior", 0.86, 0.95, "hebei", "tianjin"),
    _leader("huangzhiyuan", "黄志远", "south", 1.0, "guangdong"),
    _rep("liangsiqi", "梁思琪", "south", "senior", 1.32, 1.1, "guangdong"),
    _rep("hejunjie", "何俊杰", "south", "middle", 1.02, 1.0, "guangdong"),
    _rep("denglihua", "邓丽华", "south", "middle", 0.9, 0.95, "fujian"),
    _rep("luowentao", "罗文涛", "south", "middle", 1.1, 1.05, "fujian"),
    _rep("xieyutong", "谢雨桐", "south", "junior", 0.96, 1.2, "guangxi", hired=13),
    _rep("panyu", "潘宇", "south", "middle", 0.76, 0.75, "guangdong", left=5),
    _leader("pengtao", "彭涛", "centre", 0.88, "hubei"),
    _rep("xiongyating", "熊雅婷", "centre", "senior", 1.18, 1.1, "hubei"),
    _rep("gonglei", "龚磊", "centre", "middle", 0.86, 0.85, "hunan"),
    _rep("lumin", "鲁敏", "centre", "middle", 1.0, 1.0, "henan"),
    _rep("wanli", "万里", "centre", "junior", 0.9, 1.15, "jiangxi", "hunan", hired=6),
    _leader("tangjingyi", "唐静怡", "west", 0.92, "sichuan"),
    _rep("jiangpeng", "蒋鹏", "west", "senior", 1.12, 1.0, "sichuan"),
    _rep("ranxin", "冉欣", "west", "middle", 0.94, 1.05, "chongqing"),
    _rep("fengli", "冯丽", "west", "middle", 0.8, 0.85, "yunnan", "guizhou"),
    _rep("zoukai", "邹凯", "west", "junior", 0.92, 1.1, "chongqing", hired=15),
    _leader("fangxiaotong", "方晓彤", "abroad", 1.05, "hongkong"),
    _rep("yezimo", "叶子墨", "abroad", "senior", 1.2, 0.95, "germany", "netherlands"),
    _rep("sujin", "苏瑾", "abroad", "middle", 1.0, 1.05, "america"),
    _rep("chengke", "程可", "abroad", "middle", 0.84, 0.9, "hongkong"),
)

LOGINS = ("linjing", "zhouhang", "chenmin", "wanglei", "liqiang", "zhaoyue", "wufang", "helin", "sunzong", "gaoxiang")
"""The accounts that the door shows, in this order; the others have the same password."""

TEAMS = {
    "office": ("总部", "sunzong"),
    "east": ("华东", "chenmin"),
    "north": ("华北", "liqiang"),
    "south": ("华南", "huangzhiyuan"),
    "centre": ("华中", "pengtao"),
    "west": ("西南", "tangjingyi"),
    "abroad": ("海外", "fangxiaotong"),
}

POSITIONS = {
    "general_manager": ("总经理", 9),
    "sales_manager": ("大区销售经理", 6),
    "senior": ("高级销售顾问", 4),
    "middle": ("销售顾问", 3),
    "junior": ("助理销售顾问", 2),
    "finance": ("财务主管", 5),
    "cashier": ("出纳", 3),
    "operations": ("销售运营", 4),
    "hr": ("人事专员", 4),
    "administrator": ("系统管理员", 4),
}

# Where they sell


@dataclass(frozen=True)
class Place:
    """One territory. currency: what customers there pay in, where it is not the company's."""

    name: str
    group: str
    code: str
    cities: tuple[str, ...]
    country: str = "CN"
    currency: str = ""


PLACES = {
    "shanghai": Place("上海", "华东区", "SH", ("上海",)),
    "jiangsu": Place("江苏", "华东区", "JS", ("苏州", "无锡", "南京", "常州", "南通")),
    "zhejiang": Place("浙江", "华东区", "ZJ", ("杭州", "宁波", "嘉兴", "绍兴")),
    "anhui": Place("安徽", "华东区", "AH", ("合肥", "芜湖")),
    "beijing": Place("北京", "华北区", "BJ", ("北京",)),
    "tianjin": Place("天津", "华北区", "TJ", ("天津",)),
    "hebei": Place("河北", "华北区", "HE", ("石家庄", "唐山", "保定")),
    "shandong": Place("山东", "华北区", "SD", ("济南", "青岛", "烟台", "潍坊")),
    "guangdong": Place("广东", "华南区", "GD", ("深圳", "广州", "东莞", "佛山")),
    "fujian": Place("福建", "华南区", "FJ", ("厦门", "福州", "泉州")),
    "guangxi": Place("广西", "华南区", "GX", ("南宁", "柳州")),
    "hubei": Place("湖北", "华中区", "HB", ("武汉", "襄阳", "宜昌")),
    "hunan": Place("湖南", "华中区", "HN", ("长沙", "株洲")),
    "henan": Place("河南", "华中区", "HA", ("郑州", "洛阳")),
    "jiangxi": Place("江西", "华中区", "JX", ("南昌", "九江")),
    "sichuan": Place("四川", "西南区", "SC", ("成都", "绵阳")),
    "chongqing": Place("重庆", "西南区", "CQ", ("重庆",)),
    "yunnan": Place("云南", "西南区", "YN", ("昆明",)),
    "guizhou": Place("贵州", "西南区", "GZ", ("贵阳",)),
    "hongkong": Place("香港", "海外区", "HK", ("香港",), "HK", "HKD"),
    "germany": Place("德国", "海外区", "DE", ("Stuttgart", "Nürnberg"), "DE", "EUR"),
    "netherlands": Place("荷兰", "海外区", "NL", ("Eindhoven",), "NL", "EUR"),
    "america": Place("美国", "海外区", "US", ("Columbus", "Portland"), "US", "USD"),
}

CURRENCIES = {"CNY": "人民币", "USD": "美元", "EUR": "欧元", "HKD": "港元"}
RATES = {"USD": 7.15, "EUR": 8.1, "HKD": 0.915}
"""What one of them costs in CNY, about; every month's rate is made up around it."""

# What they sell

CATEGORIES = {
    "智能终端": ("扫码终端", "工业平板"),
    "传感与控制": ("传感器", "控制器"),
    "软件": ("平台许可", "行业模块"),
    "服务": ("实施服务", "维保服务", "培训"),
}

# number: name, category, list price and cost in CNY, tax in percent
PRODUCTS = {
    "H1": ("手持扫码终端 H1", "扫码终端", 2_380, 1_290, 13),
    "H3": ("工业级扫码终端 H3", "扫码终端", 4_960, 2_650, 13),
    "F2": ("固定式读码器 F2", "扫码终端", 6_800, 3_700, 13),
    "P10": ("工业平板 P10", "工业平板", 5_600, 3_300, 13),
    "P15": ("工业一体机 P15", "工业平板", 9_800, 5_900, 13),
    "T10": ("温湿度传感器 T10", "传感器", 420, 190, 13),
    "V20": ("振动传感器 V20", "传感器", 1_650, 820, 13),
    "E5": ("能耗采集模块 E5", "传感器", 980, 460, 13),
    "G2": ("边缘网关 G2", "控制器", 3_900, 2_050, 13),
    "G5": ("边缘控制器 G5", "控制器", 8_600, 4_700, 13),
    "S-MES": ("生产看板平台（年）", "平台许可", 36_000, 7_200, 6),
    "S-EMS": ("能耗管理平台（年）", "平台许可", 28_000, 5_600, 6),
    "M-WMS": ("仓储模块（年）", "行业模块", 18_000, 3_600, 6),
    "M-QMS": ("质检追溯模块（年）", "行业模块", 22_000, 4_400, 6),
    "M-TPM": ("设备维保模块（年）", "行业模块", 15_000, 3_000, 6),
    "V-IMP": ("现场实施（人天）", "实施服务", 2_200, 1_300, 6),
    "V-DEV": ("定制开发（人天）", "实施服务", 2_800, 1_700, 6),
    "W-STD": ("标准维保（年）", "维保服务", 6_500, 2_100, 6),
    "W-GLD": ("金牌维保（年）", "维保服务", 15_000, 5_200, 6),
    "V-TRN": ("用户培训（场）", "培训", 4_500, 1_800, 6),
}

# What a deal is about: its name and the products that go into it, the main one first.
NEEDS = (
    ("扫码终端采购", ("H3", "H1", "W-STD")),
    ("仓储管理升级", ("M-WMS", "H3", "F2", "V-IMP")),
    ("产线看板项目", ("S-MES", "P15", "G2", "V-IMP")),
    ("能耗监测项目", ("S-EMS", "E5", "G2", "V-IMP")),
    ("设备联网改造", ("G5", "V20", "G2", "V-DEV")),
    ("质检追溯项目", ("M-QMS", "F2", "P10", "V-IMP")),
    ("车间平板更换", ("P10", "P15", "W-STD")),
    ("预防性维护项目", ("M-TPM", "V20", "G2", "V-TRN")),
    ("冷库温湿度监测", ("T10", "G2", "S-EMS")),
)
AGAIN = (
    ("扫码终端增补", ("H1", "H3")),
    ("传感器补货", ("V20", "T10", "E5")),
    ("年度维保续签", ("W-GLD", "W-STD")),
    ("平台续费", ("S-MES", "M-WMS", "V-TRN")),
    ("二期扩容", ("G2", "P10", "V-IMP")),
    ("读码器加装", ("F2", "V-IMP")),
)

# Words

# A customer's own name is one of each; both come with the letters of their web address.
FIRST = (
    *(("恒", "heng"), ("澄", "cheng"), ("昱", "yu"), ("霁", "ji"), ("砚", "yan"), ("朔", "shuo"), ("岚", "lan")),
    *(("沐", "mu"), ("瑾", "jin"), ("擎", "qing"), ("睿", "rui"), ("弘", "hong"), ("禾", "he"), ("启", "qi")),
    *(("凌", "ling"), ("骏", "jun"), ("曜", "yao"), ("润", "run"), ("枫", "feng"), ("铭", "ming"), ("洛", "luo")),
    *(("棠", "tang"), ("皓", "hao"), ("奕", "yi"), ("颂", "song"), ("蔚", "wei"), ("瀚", "han"), ("亭", "ting")),
)
SECOND = (
    *(("川", "chuan"), ("泽", "ze"), ("拓", "tuo"), ("朗", "lang"), ("屹", "yi"), ("舟", "zhou"), ("辰", "chen")),
    *(("柏", "bai"), ("锐", "rui"), ("穹", "qiong"), ("塬", "yuan"), ("溪", "xi"), ("砺", "li"), ("桥", "qiao")),
    *(("岳", "yue"), ("渡", "du"), ("钧", "jun"), ("翎", "ling"), ("禹", "yu"), ("培", "pei"), ("达", "da")),
    *(("航", "hang"), ("森", "sen"), ("隆", "long"), ("韬", "tao"), ("湾", "wan"), ("景", "jing"), ("茂", "mao")),
)
THIRD = (("", ""), ("盛", "sheng"), ("嘉", "jia"), ("合", "he"))
"""What is added when every pair is taken."""
TRADES = (
    ("精密机械", "机械制造"),
    ("汽车零部件", "汽车"),
    ("电子科技", "电子"),
    ("食品", "食品饮料"),
    ("医药", "医药"),
    ("智慧物流", "物流"),
    ("新材料", "化工材料"),
    ("纺织", "纺织服装"),
    ("仓储服务", "物流"),
    ("包装制品", "包装印刷"),
    ("自动化设备", "机械制造"),
    ("冷链", "物流"),
)
ABROAD_FIRST = (
    *("Nordavel", "Alderyn", "Kestria", "Marlovia", "Vantorra", "Osterwin", "Brightholt", "Silvarra", "Hartwyn"),
    *("Lindovar", "Caldoro", "Merrowick", "Tavonne", "Elmsworth", "Quillard", "Rosendahlen", "Fenmoor", "Isarwald"),
)
ABROAD_TRADES = (
    ("Logistics", "物流"),
    ("Components", "汽车"),
    ("Foods", "食品饮料"),
    ("Packaging", "包装印刷"),
    ("Robotics", "机械制造"),
)
ABROAD_THIRD = ("", "Group", "Trading", "International")
ABROAD_FORMS = {"HK": "Limited", "DE": "GmbH", "NL": "B.V.", "US": "Inc."}

SURNAMES = tuple("王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余")
GIVEN = (
    *("伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "涛", "明", "超", "霞", "平"),
    *("建国", "志强", "晓东", "海燕", "文博", "雪梅", "俊峰", "丽娟", "国栋", "佳琪", "子轩", "思远", "宇航", "雅琴"),
    *("春生", "玉兰", "立新", "永康", "慧敏", "振华", "晓琳", "成钢", "美玲", "家豪"),
)
ABROAD_PEOPLE = (
    *("Anna Weber", "Jonas Keller", "Lena Brandt", "Tim de Vries", "Eva Jansen", "Emily Carter", "Mark Sullivan"),
    *("Grace Lam", "Kelvin Ho", "Olivia Reed", "Felix Braun", "Sophie Bakker", "Daniel Brooks", "Winnie Cheung"),
)
TITLES = ("采购经理", "生产总监", "设备主管", "信息部经理", "仓储主管", "总经理助理", "质量经理", "厂长")

# Why somebody is called or visited, by the stage of the deal; "care" is without one.
SUBJECTS = {
    "early": ("电话初次联系", "发送产品资料", "了解现场情况", "拜访生产负责人", "确认采购流程", "添加微信并介绍公司"),
    "needs": ("需求访谈", "上门调研产线", "确认预算与时间", "梳理痛点清单", "参观仓库现场", "邀请参加线上演示"),
    "offer": ("方案演示", "提交报价", "讲解实施计划", "样机试用回访", "技术答疑会议", "补充投资回报测算"),
    "close": ("价格谈判", "合同条款确认", "跟进内部审批", "约定签约时间", "处理付款方式异议", "拜访决策人"),
    "care": ("例行回访", "使用情况回访", "节日问候", "催收到期货款", "了解新增需求", "交付后回访", "发送新品资料"),
}
# What those do who do not sell, and in how many days from today it is due.
TASKS = {
    "general_manager": (
        ("主持月度经营会", 0),
        ("审阅大区目标进度", 1),
        ("走访重点客户计划", 5),
        ("审批年度预算草案", -12),
    ),
    "finance": (
        ("核对昨日到账", 0),
        ("催收逾期货款清单", -1),
        ("核对上月提成单", 1),
        ("月度结账", -15),
        ("开票资料整理", 4),
    ),
    "operations": (("检查本周线索分配", 0), ("清理公海客户", 1), ("更新产品价目表", 6), ("数据质量抽查", -10)),
    "hr": (("新员工一个月面谈", 0), ("核对爬坡期名单", 3), ("更新任职记录", -9)),
    "administrator": (("检查备份", 0), ("复核离职账号", 2), ("升级演练", -14)),
}
NOTES = (
    "对方认可方案，等待部门会签。",
    "预算下个季度才能定，先保持联系。",
    "希望看同行案例，已约下周。",
    "对价格敏感，需要准备分期方案。",
    "现场网络条件一般，要先做一次勘察。",
    "负责人出差，改约时间。",
    "使用顺利，提出增加两个工位。",
    "竞争对手也在接触，重点讲服务响应。",
)
DISQUALIFIED = ("只要报价，没有项目。", "规模太小，暂不适合。", "电话无人接听，三次未果。", "同行打听价格。")
