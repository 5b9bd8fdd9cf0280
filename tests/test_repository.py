"""The repository keeps its own promises: floors, documents, dependencies, no traces of a machine."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from importlinter.cli import lint_imports
from ruamel.yaml import YAML

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


def commands(group: click.Group, path: str = "") -> Iterator[str]:
    """`serve`, `policy check`, ...: every command that can be typed."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield path + name


def test_imports_keep_to_the_floors(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True, no_logo=True) == 0, capsys.readouterr().out


def test_every_page_is_in_the_navigation():
    nav = set(leaves(YAML(typ="safe").load(ROOT / "mkdocs.yml")["nav"]))
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert not pages - nav, "list these pages in mkdocs.yml"


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
    """Before the command line exists there is nothing to compare; the page then must not promise any."""
    known: set[str] = set()
    if find_spec("xiaoguan.project.cli"):
        known = set(commands(import_module("xiaoguan.project.cli").main))
    headings = set(re.findall(r"^#+ `xiaoguan ([a-z -]+)`", (DOCS / "reference" / "cli.md").read_text(), re.M))
    assert headings == known


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
