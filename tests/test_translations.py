"""Every text that people read is there in Chinese, with the same placeholders, compiled and up to date."""

from __future__ import annotations

import gettext
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
PO = ROOT / "xiaoguan" / "project" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|\{\w*\}|<[^>]+>")
KEYWORDS = "gettext_lazy gettext_noop ngettext_lazy:1,2 pgettext_lazy:1c,2"


@pytest.fixture(scope="module")
def chinese() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="zh_Hans", domain="django")


def texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return value if isinstance(value, tuple | list) else (value,)


def key(message: Message) -> tuple[Any, ...]:
    return message.context, *texts(message.id)


def test_no_text_waits_for_its_chinese(chinese: Catalog) -> None:
    waiting = [m.id for m in chinese if m.id and (m.fuzzy or not all(texts(m.string)))]
    assert not waiting, f"translate these in {PO.relative_to(ROOT)}: {waiting}"


def test_placeholders_stay(chinese: Catalog) -> None:
    lost = []
    for message in chinese:
        if message.id:
            wanted = set(PLACEHOLDER.findall(texts(message.id)[-1]))
            lost += [(message.id, text) for text in texts(message.string) if set(PLACEHOLDER.findall(text)) != wanted]
    assert not lost, lost


def test_the_catalogue_has_the_texts_of_the_code_and_no_others(chinese: Catalog, tmp_path: Path) -> None:
    template = tmp_path / "django.pot"
    command = [sys.executable, "-m", "babel.messages.frontend", "--quiet", "extract", "--mapping=babel.cfg"]
    command += [f"--keywords={KEYWORDS}", f"--output-file={template}", "xiaoguan"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with template.open("rb") as file:
        found = {key(m) for m in read_po(file) if m.id}
    known = {key(m) for m in chinese if m.id}
    assert known == found, f"run `make messages`: new {found - known}, gone {known - found}"


def test_the_catalogue_is_compiled(chinese: Catalog) -> None:
    assert MO.exists(), f"{MO.relative_to(ROOT)} is missing: run `make install`"
    with MO.open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    stale = [m.id for m in chinese if m.id and not m.context and compiled.gettext(texts(m.id)[0]) != texts(m.string)[0]]
    assert not stale, f"{MO.relative_to(ROOT)} is older than the .po: run `make install`"


HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:?!]|[\u4e00-\u9fff]\([^()]*[\u4e00-\u9fff]|您")


def test_chinese_has_its_own_punctuation_and_one_word_for_you(chinese: Catalog) -> None:
    """`[值, 英文]` shows JSON as it is typed."""
    bare = ((m.id, PLACEHOLDER.sub("", text)) for m in chinese if m.id for text in texts(m.string))
    wrong = [pair for pair in bare if HALF_WIDTH.search(re.sub(r"[\[{][^\]}]*[\]}]", "", pair[1]))]
    assert not wrong, wrong
