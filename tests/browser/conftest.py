"""A real server on a small company, and visitors who notice everything that the browser complains about."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.company import PASSWORD

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
ASSETS = ROOT / "xiaoguan" / "project" / "static" / "app.js"
SIZES: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "narrow": {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True},
}
PATIENCE = 20_000  # milliseconds that an answer may take on a machine with other work
# Each window would hold two pages of its own for the suggestions of its address bar. Chromium heeds the last list only,
# so it repeats what matters of Playwright's.
WITHOUT = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose", "HttpsUpgrades", "MediaRouter", "OptimizationHints", "PaintHolding",
    "NetworkTimeServiceQuerying", "PreconnectToSearch",
)  # fmt: skip
RULES = "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"


PROGRAM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""
MISSING = "LOUD: no browser tests: there is no Chromium; install Debian's `chromium` or set CHROMIUM to a program"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not Path(PROGRAM).is_file():
        terminalreporter.write_line(MISSING, red=True, bold=True)


@pytest.fixture(scope="session")
def program() -> str:
    if not Path(PROGRAM).is_file():
        pytest.skip(MISSING)
    return PROGRAM


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the server."""
    return tmp_path_factory.mktemp("home")


def _environment(home: Path) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "XIAOGUAN_TEST_DATABASE")}
    return env | {"XIAOGUAN_HOME": str(home), "DJANGO_SETTINGS_MODULE": "xiaoguan.project.settings"}


@pytest.fixture
def do_jobs(home: Path) -> Callable[[], None]:
    """Does what waits in the background, as a worker would."""
    command = [sys.executable, "-c", "from xiaoguan.project.cli import main; main(['work', '--once'])"]
    return lambda: subprocess.run(command, cwd=ROOT, env=_environment(home), check=True, capture_output=True) and None


@pytest.fixture(scope="session")
def server(program: str, home: Path) -> Iterator[str]:
    """The address of a running Xiaoguan with the company, adopted policy and a reckoned quarter."""
    for needed in (ASSETS, AXE):
        assert needed.exists(), f"{needed.relative_to(ROOT)} is missing: run `make install`"
    env = _environment(home)

    made = subprocess.run(
        [sys.executable, "-m", "tests.browser.company"], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serving = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--blocking-threads", "1"]
    log = (home / "log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", *serving, "--no-log", "xiaoguan.project.wsgi:application"],
        cwd=ROOT, env=env, stdout=log, stderr=log,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{url}/health", process, log)
        yield url
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def _wait(url: str, process: subprocess.Popen[bytes], log: Any) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), urlopen(url, timeout=1) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    log.seek(0)
    raise AssertionError(f"the server does not answer: {log.read()}")


@pytest.fixture(scope="module")
def chromium(program: str) -> Iterator[Browser]:
    """One browser for a module: under the event loop of Playwright, Django would refuse its database to later tests."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", f"--disable-features={','.join(WITHOUT)}"]
        )
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody at a page. What the browser complains about is kept; `may_answer` names the refusals that are meant."""

    page: Page
    server: str
    troubles: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", lambda m: m.type in ("error", "warning") and self._hear(m.text))
        self.page.on("pageerror", lambda error: self._hear(str(error)))
        self.page.on("requestfailed", lambda r: r.failure != "net::ERR_ABORTED" and self._hear(f"{r.url} {r.failure}"))

    def _hear(self, text: str) -> None:
        status = re.search(r"responded with a status of (\d+)", text)
        if not (status and int(status[1]) in self.expected):
            self.troubles.append(f"{self.page.url}: {text}")

    def may_answer(self, *statuses: int) -> None:
        self.expected |= set(statuses)

    def go(self, path: str) -> None:
        self.page.goto(self.server + path)

    def toast(self, text: str) -> None:
        """Wait for the message with this text, and close it so that it covers nothing."""
        message = self.page.locator(".toast", has_text=text)
        message.wait_for()
        message.get_by_role("button").last.click()

    def faults(self, rules: tuple[str, ...] = RULES) -> list[str]:
        """What axe finds on the page as it is now by rules with these tags or names, and icons that are not there."""
        page = self.page
        page.evaluate(
            "async () => Promise.all(document.getAnimations().map((moving) => moving.finished.catch(() => 0)))"
        )
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(AXE.read_text())
        found = page.evaluate(
            """(rules) => axe.run({runOnly: rules, resultTypes: ["violations"], preload: false, iframes: false})
                .then((result) => result.violations)""",
            list(rules),
        )
        blank = page.evaluate(
            """async () => {
                const sprite = await (await fetch(document.body.dataset.sprite)).text();
                const used = [...document.querySelectorAll("svg use")].map((use) => use.getAttribute("href"));
                return used.map((href) => href.split("#")[1]).filter((name) => !sprite.includes(`id="${name}"`));
            }"""
        )
        return [f"{page.url}: there is no icon '{name}'" for name in blank] + [
            f"{page.url}: {fault['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
            for fault in found
            for node in fault["nodes"]
        ]


Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def kept(server: str) -> dict[str, Any]:
    """Whose cookies are known already."""
    return {}


@pytest.fixture(scope="module")
def keys(chromium: Browser, server: str, kept: dict[str, Any]) -> Callable[[str], Any]:
    """The cookies of a person who has signed in; the door is passed once for each."""

    def of(name: str) -> Any:
        if name not in kept:
            context = chromium.new_context()
            page = context.new_page()
            page.goto(f"{server}/account/login/")
            page.fill("[name=login]", name)
            page.fill("[name=password]", PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(f"{server}/")
            kept[name] = context.storage_state()
            context.close()
        return kept[name]

    return of


@pytest.fixture
def visit(chromium: Browser, server: str, keys: Callable[[str], Any]) -> Iterator[Visit]:
    """`visit("linjing", "phone", "en", "dark")` is a visitor; in the end the browser must have had nothing to say."""
    contexts: list[BrowserContext] = []
    visitors: list[Visitor] = []

    def come(name: str = "", size: str = "desk", language: str = "zh-hans", theme: str = "light") -> Visitor:
        context = chromium.new_context(
            storage_state=keys(name) if name else None, locale="zh-CN", reduced_motion="reduce", **SIZES[size]
        )
        context.set_default_timeout(PATIENCE)
        chosen = {"language": language, "theme": theme}
        context.add_cookies([{"name": k, "value": v, "url": server} for k, v in chosen.items()])
        contexts.append(context)
        visitors.append(Visitor(context.new_page(), server))
        return visitors[-1]

    yield come
    for context in contexts:
        context.close()
    troubles = [trouble for visitor in visitors for trouble in visitor.troubles]
    assert not troubles, "\n".join(troubles)
