"""Imports in which no garbage is looked for."""

import gc
import threading

from search.importing import without_collecting


def test_the_collector_is_as_it_was_afterwards_also_where_threads_overlap():
    assert gc.isenabled()
    is_inside, may_leave = threading.Event(), threading.Event()

    def stay():
        with without_collecting():
            is_inside.set()
            may_leave.wait()

    thread = threading.Thread(target=stay)
    thread.start()
    is_inside.wait()
    with without_collecting():
        assert not gc.isenabled()
        may_leave.set()
        thread.join()
    assert gc.isenabled()
    gc.disable()
    try:
        with without_collecting():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
