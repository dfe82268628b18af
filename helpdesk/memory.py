"""What a process that runs for weeks does about its memory, once everything is imported."""

import gc


def spare_the_collector() -> None:
    """What was imported stays, and a page makes more objects than the default threshold of 700: look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
