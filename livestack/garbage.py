"""In which thread Python's collector of garbage runs, and at what it looks.

It runs in whichever thread asks for memory just then. What a closed dialog or window left ends there: objects of Qt,
which may end in the window's thread alone. Elsewhere, now and then, the process ends with them. So a process with a
window has the window's thread collect, and no other; pyqtgraph's GarbageCollector, after E. Janssens, does the same.

A full collection looks at all objects, which are 130,000 and more: for 50 ms of an idle core, and longer of a busy one,
nobody else has the interpreter, and no window answers. Hardly any of them is ever let go: they are settled.
"""

from __future__ import annotations

import gc
import threading

_news = threading.Event()


def collect_by_hand() -> None:
    """Collect only where `collect` is called from now on."""
    gc.disable()


def collect() -> None:
    """Collect what has become garbage, if there may be enough by now; settle what came, if somebody told of it."""
    if _news.is_set():
        settle_objects()
        return
    due = [count > most for count, most in zip(gc.get_count(), gc.get_threshold(), strict=True)]
    if due[0]:
        gc.collect(0 if not due[1] else 1 if not due[2] else 2)


def settle_objects() -> None:
    """Let what is there by now be looked at no more: modules, kernels, a window."""
    _news.clear()
    gc.collect()
    gc.freeze()


def tell_news() -> None:
    """Have what came since be settled too, such as kernels that were loaded, where objects are settled; any thread."""
    if gc.get_freeze_count():
        _news.set()


def unsettle_objects(*_: object) -> None:
    """Let all of it be looked at again: some of it has become garbage."""
    gc.unfreeze()
