"""One thread that does the newest job, and forgets the ones before it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

__all__ = ["Worker"]

#: Gets an event that is set once a newer job is waiting, or somebody cancelled.
Job = Callable[[threading.Event], None]


class Worker:
    """Runs one job at a time in a thread of its own; a new job cancels the running one and replaces the waiting one.

    The thread ends when there is nothing to do, so a closed widget leaves none behind.
    """

    def __init__(self, name: str) -> None:
        """``name`` is the thread's, for a debugger."""
        self._name = name
        self._lock = threading.Lock()
        self._waiting: Job | None = None
        self._cancel = threading.Event()
        self._thread: threading.Thread | None = None
        self._idle = threading.Event()
        self._idle.set()

    def submit(self, job: Job) -> None:
        """Do ``job`` next. Returns at once."""
        with self._lock:
            self._cancel.set()
            self._waiting = job
            self._idle.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def cancel(self) -> None:
        """Ask the running job to stop, and drop the waiting one."""
        with self._lock:
            self._waiting = None
            self._cancel.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until there is nothing left to do; return whether that came in time."""
        return self._idle.wait(timeout)

    def _run(self) -> None:
        while True:
            with self._lock:
                job, self._waiting = self._waiting, None
                if job is None:
                    self._thread = None
                    self._idle.set()
                    return
                cancel = self._cancel = threading.Event()
            try:
                job(cancel)
            except BaseException:  # said as any thread's last words are; the next job still runs
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
