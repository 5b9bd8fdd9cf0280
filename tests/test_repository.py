"""The repository keeps its own promises: floors, documents, dependencies, no traces of a machine."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import click
from importlinter.cli import lint_imports
from ruamel.yaml import YAML

from xiaoguan import desk
from xiaoguan.desk import Board, Desk, Verb
from xiaoguan.project.cli import main

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def tracked() -> list[Path]:
    """The files that git knows and that are there."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def leaves(nav: Any) -> Iterator[str]:
    """The page of every entry of an mkdocs nav, however deep."""
    if isinstance(nav, str):
        yield nav
    else:
        for child in nav.values() if isinstance(nav, dict) else nav:
            yield from leaves(child)


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """`serve`, `policy check`, ...: every command that can be typed."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield path + name, command


def test_imports_keep_to_the_floors(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True, no_logo=True) == 0, capsys.readouterr().out


def test_every_page_is_in_the_navigation():
    nav = set(leaves(YAML(typ="safe").load(ROOT / "mkdocs.yml")["nav"]))
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert not pages - nav, "list these pages in mkdocs.yml"


def test_links_of_the_front_pages_lead_somewhere():
    """Those in docs/ are checked by `make docs`."""
    for page in ROOT.glob("*.md"):
        links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
        assert not [link for link in links if not (ROOT / link).exists()], page.name


def test_every_decision_is_in_the_index():
    index = (DOCS / "decisions" / "index.md").read_text()
    for page in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        title = page.read_text().splitlines()[0].removeprefix("# ")
        assert f"[{title}]({page.name})" in index


def test_every_dependency_has_its_licence_and_reason():
    python, node = tomllib.loads((ROOT / "pyproject.toml").read_text()), json.loads((ROOT / "package.json").read_text())
    wanted = [*python["project"]["dependencies"], *python["build-system"]["requires"]]
    wanted += [line for group in python["dependency-groups"].values() for line in group]
    names = {re.match(r"[\w.-]+", line)[0] for line in wanted} | {*node["dependencies"], *node["devDependencies"]}
    listed = set(re.findall(r"^\| `([^`]+)` \| \S.* \| \S.* \|$", (DOCS / "dependencies.md").read_text(), re.M))
    assert listed == names


def test_every_command_has_its_heading():
    assert set(sections("cli.md")) == {f"xiaoguan {name}" for name, _command in commands(main)}


def sections(page: str, level: str = "#+") -> dict[str, str]:
    """The text below each heading that is a word of code: {word: text to the next heading}."""
    parts = re.split(rf"^{level} `([^`]+)`.*$", (DOCS / "reference" / page).read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(page: str) -> set[str]:
    """The words of code that begin a row of a table."""
    return set(re.findall(r"^\| `([a-z_A-Z0-9.]+)", (DOCS / "reference" / page).read_text(), re.M))


def test_every_option_of_a_command_has_its_entry():
    told = sections("cli.md")
    for name, command in commands(main):
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.opts[0] in told[f"xiaoguan {name}"], f"{name} {option.opts[0]}"


def test_every_setting_has_its_entry():
    read = re.compile(r"""environ(?:\.get\(|\[)"([A-Z_]+)"|envvar="([A-Z_]+)""" + '"')
    files = [f for folder in ("xiaoguan", "tests", "bench") for f in (ROOT / folder).rglob("*.py")]
    found = {name for file in files for pair in read.findall(file.read_text()) for name in pair if name}
    assert found - {"DJANGO_SETTINGS_MODULE"} == entries("settings.md")


def test_every_word_of_a_declaration_has_its_entry():
    own = {name for name in vars(Verb) if not name.startswith("_")} - {"run", "may", "form"}
    told = entries("desk.md")
    assert set(Desk.__annotations__) <= set(sections("desk.md", "###"))
    assert {*Board.__annotations__, *own, *(set(desk.__all__) - {"Board", "Desk", "Verb", "register"})} <= told
    assert {f"desk.E00{n}" for n in range(1, 6)} <= told


def test_pages_made_from_the_declarations_are_up_to_date():
    spec = spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    for page, text in script.pages().items():
        assert page.read_text() == text, "run: python scripts/reference.py"


def test_the_chinese_guides_have_the_examples_of_the_english_ones():
    for page in (DOCS / "zh").glob("*.md"):
        examples = [
            re.findall(r"^```yaml\n(.*?)^```", text.read_text(), re.M | re.S)
            for text in (page, *DOCS.glob(f"[!z]*/{page.name}"))
        ]
        assert len(examples) == 2 and examples[0] == examples[1], page.name


def test_every_decision_says_what_keeps_it_true():
    for page in (DOCS / "decisions").glob("[0-9]*.md"):
        said = re.findall(r"^\*\*([A-Z][a-z ]+)\.?\*\*", page.read_text(), re.M)
        assert said == ["Context", "Choice", "Consequences", "Also considered", "Kept true by"], page.name


def test_no_file_names_a_path_of_somebodys_machine():
    folders = "|".join(("work", "farm", "root", "tmp", "home/[a-z]", "Users/[a-z]"))
    pattern = re.compile(rf"(?<![\w.$}}])/(?:{folders})[\w.-]*/")
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {hit[0]}" for hit in pattern.finditer(text)]
    assert not found
