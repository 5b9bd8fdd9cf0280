"""Names and numbers of companies: what is the same company written in another way, and which credit codes are possible.

A name is compared by its core: without the place, the legal form, brackets, width, case and traditional characters.

    core("無錫啟川包裝制品有限公司（蘇州分公司）")      启川包装制品
    core("Haitian Intelligent Co., Ltd.")               haitianintelligent
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

from .pinyin import lazy_pinyin

_TRADITIONAL = (
    "發長廣門華東國貿業電機聯達興龍豐寶齊藥車葉樂歐環節誠銘鑫潤澤蘇慶濟寧漢臺灣風遠輝騰飛馬魚鳥麗質學書實體醫"
    "療衛數據網絡訊資軟開創動雙億萬錦繡榮偉強藍綠紅紡織製傳說話計設備儀器鋼鐵鋁銅礦產農糧種養園區雲頂顏順頤韓"
    "領會館鍾鐘麵麥黃黨點齡龜舊藝蘭勝務勞單協衝廠廢彈從徑復恆懷應戲戶掃揚換揮損擇擊擔啟無錫裝連場圖團處屬島嶺"
    "廈慶張後極構標樣樓橋檢歲歷氣決沒洩淨測滬漁濱濤瀋爾獎獲瑪畫當眾睏確禮稅穩穀競筆築簽糾紀約級純線組細終結給"
    "統經維緊練縣縮總績繼續羅義習聖職聲聽腦臨舉艦蕭薩虛號裏見規視覺親觀解觸計訂訓記許診詞試詩誌認課調談請論諾"
    "謝證識議護讀變讓豬貝負財貨責貴費貼賀賓賞賢賣賴購贊贏趙轉輕載輪農運過邊還郵鄉鄭釋針鈣鈴鉅銀銷鋒鋪鋰錢錄鍋"
    "鎮鏡閃閩閣閱關陽陰陳陸際隊階隨險雜離難霧靈靜鞏響頁項須預頻題額願類飯飲館駕駛驗驚體鬆鬥鮮鯨鴻鵬麗"
)
_SIMPLIFIED = (
    "发长广门华东国贸业电机联达兴龙丰宝齐药车叶乐欧环节诚铭鑫润泽苏庆济宁汉台湾风远辉腾飞马鱼鸟丽质学书实体医"
    "疗卫数据网络讯资软开创动双亿万锦绣荣伟强蓝绿红纺织制传说话计设备仪器钢铁铝铜矿产农粮种养园区云顶颜顺颐韩"
    "领会馆钟钟面麦黄党点龄龟旧艺兰胜务劳单协冲厂废弹从径复恒怀应戏户扫扬换挥损择击担启无锡装连场图团处属岛岭"
    "厦庆张后极构标样楼桥检岁历气决没泄净测沪渔滨涛沈尔奖获玛画当众困确礼税稳谷竞笔筑签纠纪约级纯线组细终结给"
    "统经维紧练县缩总绩继续罗义习圣职声听脑临举舰萧萨虚号里见规视觉亲观解触计订训记许诊词试诗志认课调谈请论诺"
    "谢证识议护读变让猪贝负财货责贵费贴贺宾赏贤卖赖购赞赢赵转轻载轮农运过边还邮乡郑释针钙铃钜银销锋铺锂钱录锅"
    "镇镜闪闽阁阅关阳阴陈陆际队阶随险杂离难雾灵静巩响页项须预频题额愿类饭饮馆驾驶验惊体松斗鲜鲸鸿鹏丽"
)
SIMPLE = str.maketrans(dict(zip(_TRADITIONAL, _SIMPLIFIED, strict=True)))

_PLACES = (
    "北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 "
    "四川 贵州 云南 陕西 甘肃 青海 台湾 内蒙古 广西 西藏 宁夏 新疆 香港 澳门 石家庄 唐山 秦皇岛 邯郸 邢台 "
    "保定 张家口 承德 沧州 廊坊 衡水 太原 大同 阳泉 长治 晋城 朔州 晋中 运城 忻州 临汾 吕梁 呼和浩特 包头 "
    "乌海 赤峰 通辽 鄂尔多斯 呼伦贝尔 沈阳 大连 鞍山 抚顺 本溪 丹东 锦州 营口 阜新 辽阳 盘锦 铁岭 朝阳 葫芦岛 "
    "长春 四平 辽源 通化 白山 松原 白城 延边 哈尔滨 齐齐哈尔 鸡西 鹤岗 双鸭山 大庆 伊春 佳木斯 七台河 牡丹江 "
    "黑河 绥化 南京 无锡 徐州 常州 苏州 南通 连云港 淮安 盐城 扬州 镇江 泰州 宿迁 昆山 江阴 张家港 常熟 太仓 "
    "宜兴 杭州 宁波 温州 嘉兴 湖州 绍兴 金华 衢州 舟山 台州 丽水 义乌 慈溪 余姚 合肥 芜湖 蚌埠 淮南 马鞍山 "
    "淮北 铜陵 安庆 黄山 滁州 阜阳 宿州 六安 亳州 池州 宣城 福州 厦门 莆田 三明 泉州 漳州 南平 龙岩 宁德 晋江 "
    "南昌 景德镇 萍乡 九江 新余 鹰潭 赣州 吉安 宜春 抚州 上饶 济南 青岛 淄博 枣庄 东营 烟台 潍坊 济宁 泰安 "
    "威海 日照 临沂 德州 聊城 滨州 菏泽 郑州 开封 洛阳 平顶山 安阳 鹤壁 新乡 焦作 濮阳 许昌 漯河 三门峡 南阳 "
    "商丘 信阳 周口 驻马店 武汉 黄石 十堰 宜昌 襄阳 鄂州 荆门 孝感 荆州 黄冈 咸宁 随州 长沙 株洲 湘潭 衡阳 "
    "邵阳 岳阳 常德 张家界 益阳 郴州 永州 怀化 娄底 广州 韶关 深圳 珠海 汕头 佛山 江门 湛江 茂名 肇庆 惠州 "
    "梅州 汕尾 河源 阳江 清远 东莞 中山 潮州 揭阳 云浮 顺德 南宁 柳州 桂林 梧州 北海 防城港 钦州 贵港 玉林 "
    "百色 贺州 河池 来宾 崇左 海口 三亚 成都 自贡 攀枝花 泸州 德阳 绵阳 广元 遂宁 内江 乐山 南充 眉山 宜宾 "
    "广安 达州 雅安 巴中 资阳 贵阳 六盘水 遵义 安顺 毕节 铜仁 昆明 曲靖 玉溪 保山 昭通 丽江 普洱 临沧 大理 "
    "拉萨 西安 铜川 宝鸡 咸阳 渭南 延安 汉中 榆林 安康 商洛 兰州 嘉峪关 金昌 白银 天水 武威 张掖 平凉 酒泉 "
    "庆阳 定西 陇南 西宁 银川 石嘴山 吴忠 固原 中卫 乌鲁木齐 克拉玛依 吐鲁番 哈密 中国"
)
_BY_LENGTH = sorted(_PLACES.split(), key=len, reverse=True)
_NAMED = "|".join(_BY_LENGTH)
_PART = r"(?:省|特别行政区|自治区|市(?:[\u4e00-\u9fff]{1,3}?(?:新区|区|县))?)"
_PLACE = re.compile(rf"(?:(?:{_NAMED})(?:省|自治区))?(?:{_NAMED}){_PART}?")
_FORM = re.compile(
    r"(?:股份|集团|控股|有限|责任)*(?:公司|集团|商行|经营部)$|(?:股份|集团|控股|有限|责任)+$|(?:总|分|子)公司$"
)
_LATIN_FORM = re.compile(
    r"\b(?:co|company|ltd|limited|inc|incorporated|llc|llp|gmbh|ag|corp|corporation|plc|group|holdings?|sa|bv|pte|pty)\b"
)
_BRACKETED = re.compile(r"[(\[【〔<《]([^)\]】〕>》]*)[)\]】〕>》]")


@lru_cache(maxsize=8_192)
def core(name: str) -> str:
    """What distinguishes the company: lower case, simplified, without place and form. "" for an empty name."""
    text = unicodedata.normalize("NFKC", name).lower().translate(SIMPLE)
    if not text.isalnum() or text[:1] < "\u3400":
        text = _LATIN_FORM.sub(" ", _BRACKETED.sub(_kept, text))
        text = "".join([c for c in text if c.isalnum()])
    bare = _without_form(text)
    place = _PLACE.match(bare)
    placeless = bare[place.end() :] if place else bare
    return next((found for found in (placeless, bare, text) if len(found) >= 2), text)


def _kept(hit: re.Match[str]) -> str:
    """Brackets that hold a place or a branch say nothing of the company; others do."""
    inside = hit[1].strip()
    return "" if _PLACE.match(inside) or inside.endswith("公司") else inside


def _without_form(text: str) -> str:
    if (end := text.find("有限公司")) > 1 or (end := text.find("有限责任公司")) > 1:
        text = text[:end]  # what follows is a branch
    while (shorter := _FORM.sub("", text)) != text and shorter:
        text = shorter
    return text


def sound(name_core: str) -> str:
    """The core as it is spoken, without tones: the same for 启川 and 起川."""
    return "".join([_syllable(char) for char in name_core])


@lru_cache(maxsize=16_384)
def _syllable(char: str) -> str:
    return "".join(lazy_pinyin(char))


def alike(one: str, other: str) -> float:
    """How much two cores share, 0 to 1: their pairs of neighbouring characters (Dice); 0.9 if they sound alike."""
    if one == other:
        return 1.0
    if one and sound(one) == sound(other):
        return 0.9
    a, b = set(pairwise(one)), set(pairwise(other))
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0


# 统一社会信用代码

CREDIT_CODE = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def check_digit(code: str) -> str:
    """The last character of a credit code, from its first seventeen. Source: GB 32100-2015, 4.3.

    >>> check_digit("91350100M000100Y4")
    '3'
    """
    total = sum(CREDIT_CODE.index(char) * pow(3, place, 31) for place, char in enumerate(code[:17]))
    return CREDIT_CODE[-total % 31]


def is_credit_code(code: str) -> bool:
    """Whether these eighteen characters can be a credit code: known characters and the right check digit."""
    return len(code) == 18 and all(c in CREDIT_CODE for c in code) and check_digit(code) == code[17]


def tax_number(text: str) -> str:
    """A tax number as it is compared: capitals and digits alone."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).upper() if c.isascii() and c.isalnum())


_EXTENSION, _NO_DIGIT = re.compile(r"转|分机|ext|x"), re.compile(r"\D")


def phone_digits(text: str) -> str:
    """A phone number as it is compared: digits without country code 86, an extension, or a leading 0 of the trunk;
    "" for what is too short to tell anybody apart."""
    plain = (
        text if text.isascii() and text.isdigit() else _EXTENSION.split(unicodedata.normalize("NFKC", text).lower())[0]
    )
    digits = _NO_DIGIT.sub("", plain).removeprefix("00")
    if len(digits) > 11 and digits.startswith("86"):
        digits = digits[2:]
    digits = digits.removeprefix("0")
    return digits if len(digits) >= 7 else ""
