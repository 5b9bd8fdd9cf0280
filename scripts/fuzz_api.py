"""Throw generated requests at the API of a fresh demo company and compare every answer with the OpenAPI document.

    python scripts/fuzz_api.py [seconds]      600 unless given; all checks of schemathesis

Ends with the exit code of schemathesis: 0 when no answer was a server error or other than documented.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROLES = ("administrator", "operations", "finance", "hr")
PORT = int(os.environ.get("PORT", "8765"))


def main(seconds: int) -> int:
    home = tempfile.mkdtemp(prefix="xiaoguan-fuzz-")
    os.environ |= {"XIAOGUAN_HOME": home, "XIAOGUAN_API_RATE": "100000000"}
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "xiaoguan.project.cli"]
    subprocess.run([*command, "init"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    subprocess.run([*command, "demo"], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    os.environ["DJANGO_SETTINGS_MODULE"] = "xiaoguan.project.settings"
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from django.utils import timezone

    from xiaoguan.people.models import Account, Role, RoleAssignment, Token

    account, today = Account.objects.get(username="sunzong"), timezone.localdate()
    for role in Role.objects.filter(code__in=ROLES):  # who may do everything gets behind every door
        RoleAssignment(person=account.person, role=role, starts_on=today).save()
    text = Token.issue(account, "fuzz", "write")[1]
    server = subprocess.Popen([*command, "serve", "--port", str(PORT)], cwd=ROOT, start_new_session=True)
    try:
        wait()
        run = [
            str(Path(sys.executable).parent / "st"), "run", f"http://127.0.0.1:{PORT}/api/openapi.json",
            "--checks", "all", "--phases", "examples,coverage,fuzzing",  # the document names no links to follow
            "--max-time", str(seconds), "--continue-on-failure",
            "-H", f"Authorization: Bearer {text}",
            "--suppress-health-check", "all", "--wait-for-schema", "30",
        ]  # fmt: skip
        return subprocess.run(run, cwd=ROOT).returncode
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def wait() -> None:
    for _try in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 600))
