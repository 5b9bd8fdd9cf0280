"""The process that does the jobs: `xiaoguan work`, and the one that `xiaoguan serve` keeps beside its web processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

LONGEST_WAIT = 30.0


def work(once: bool, child: bool) -> int:
    """Do jobs until SIGTERM or SIGINT; a running job goes back into the queue behind its present step.

    once    do what waits and end. child: end as well when the process that started this one is gone.
    Returns how many jobs were done, with `once`.
    """
    from xiaoguan.desk.jobs import Worker, drain

    if once:
        return drain()
    parent = os.getppid()
    worker = Worker(goes_on=lambda: not child or os.getppid() == parent)
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    worker.run()
    return 0


class Keeper:
    """Starts `xiaoguan work` and starts it again when it dies, after a pause that grows while it keeps dying."""

    def __init__(self) -> None:
        self._ending = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ending.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
        self._thread.join(10)
        if self._process is not None and self._process.poll() is None:
            self._process.kill()  # it repeats nothing: the next one goes on behind its last step

    def _keep(self) -> None:
        wait = 1.0
        self._ending.wait(wait)  # the pages come first
        while not self._ending.is_set():
            began = time.monotonic()
            # Ctrl-C reaches the whole group of a terminal; the worker is told to end by this process alone.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "xiaoguan.project.cli", "work", "--child"], process_group=0
            )
            self._process.wait()
            wait = 1.0 if time.monotonic() - began > 60 else min(wait * 2, LONGEST_WAIT)
            if not self._ending.is_set():
                print(f"the job worker ended with {self._process.returncode}; it is started again", file=sys.stderr)
                self._ending.wait(wait / 2)
