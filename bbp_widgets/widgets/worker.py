"""One thread that does the newest job of each kind, and forgets the ones before it."""

from __future__ import annotations

import atexit
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from .going import going, leave

__all__ = ["Worker"]

#: Gets an event that is set once a newer job of its kind is waiting, or somebody cancelled.
Job = Callable[[threading.Event], None]

#: The worker of every thread that lives. It changes under the guard, and so does whether the interpreter is going.
_LIVING: dict[threading.Thread, Worker] = {}
_GUARD = threading.Lock()


class Worker:
    """Runs one job at a time in a thread of its own.

    Each job has a *slot*. A new job cancels the running one of its slot and replaces the waiting one; jobs of other
    slots it leaves alone. Of what waits, the slot named ``first`` goes first, the others in the order in which their
    newest jobs came. The thread ends when there is nothing to do, so a closed widget leaves none behind. When the
    interpreter goes, running jobs are cancelled and waited for, and what is submitted from then on is dropped.
    """

    def __init__(self, name: str, *, first: Hashable = None, most: int = 16) -> None:
        """``name`` is the thread's, for a debugger; of more than ``most`` waiting jobs the oldest are dropped."""
        self._name, self._first, self._most = name, first, most
        self._lock = threading.Lock()
        self._waiting: OrderedDict[Hashable, Job] = OrderedDict()
        self._running: tuple[Hashable, threading.Event] | None = None
        self._thread: threading.Thread | None = None
        self._idle = threading.Event()
        self._idle.set()

    def submit(self, job: Job, slot: Hashable = None) -> None:
        """Do ``job`` as the newest of its slot. Returns at once."""
        with self._lock, _GUARD:
            if going():
                return
            self._stop(slot)
            self._waiting[slot] = job
            while len(self._waiting) > self._most:
                del self._waiting[next(old for old in self._waiting if old != self._first)]
            self._idle.clear()
            if self._thread is None:
                # Not a thread that the interpreter waits for by itself: it would wait for all the work there is.
                self._thread = threading.Thread(target=self._live, name=self._name, daemon=True)
                _LIVING[self._thread] = self
                self._thread.start()

    def cancel(self, *slots: Hashable) -> None:
        """Ask the running job of these slots to stop, and drop the waiting ones; of all slots where none is named."""
        with self._lock:
            for slot in slots or [*self._waiting, *([self._running[0]] if self._running else [])]:
                self._stop(slot)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until there is nothing left to do; return whether that came in time.

        A job that waits for its own end is told at once that it has not come.
        """
        if threading.current_thread() is self._thread:
            return False
        return self._idle.wait(timeout)

    def _stop(self, slot: Hashable) -> None:
        self._waiting.pop(slot, None)
        if self._running is not None and self._running[0] == slot:
            self._running[1].set()

    def _live(self) -> None:
        try:
            self._run()
        finally:
            with _GUARD:
                del _LIVING[threading.current_thread()]

    def _run(self) -> None:
        while True:
            with self._lock:
                self._running = None
                if not self._waiting:
                    self._thread = None
                    self._idle.set()
                    return
                slot = self._first if self._first in self._waiting else next(iter(self._waiting))
                job, cancel = self._waiting.pop(slot), threading.Event()
                self._running = (slot, cancel)
            try:
                job(cancel)
            except BaseException:  # said as any thread's last words are; the next job still runs
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
            del job  # a job left in a local would keep what it holds until the next one


def _stop_all() -> None:
    """Cancel every job and wait for its thread: one inside torch when the interpreter goes aborts the process."""
    with _GUARD:
        leave()
        living = [*_LIVING.items()]
    for _, worker in living:
        worker.cancel()
    for thread, _ in living:
        thread.join()


atexit.register(_stop_all)
