"""Evidence for and against a canary that may be looked at at any time; see ``docs/canary.md``."""
