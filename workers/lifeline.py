"""How a child process learns that its parent is gone, even by kill -9.

The parent holds the child's standard input open and writes nothing more to it: end of file asks the child to
come to an end. On Linux the kernel ends it at once when the parent was killed.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def bind(parent_is_gone: Callable[[], object], *, within: float) -> None:
    """Call `parent_is_gone` from another thread at end of file, and end the process `within` seconds after."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_wait, args=(parent_is_gone, within), daemon=True, name="lifeline").start()


def _wait(parent_is_gone: Callable[[], object], within: float) -> None:
    while os.read(0, 4096):
        pass
    threading.Timer(within, os._exit, [1]).start()
    parent_is_gone()
