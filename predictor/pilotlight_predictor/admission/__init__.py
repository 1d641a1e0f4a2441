"""Which requests enter the engine, in which order, and which are turned away.

Pure policy: no I/O, no clock and no event loop. Time is an argument, in monotonic seconds.
``docs/admission.md`` explains the rules.
"""
