"""The oracle daemon: one process, one processor, one key.

A cycle: observe the chain, ``decide(view) -> actions`` (pure), journal, act.
"""
