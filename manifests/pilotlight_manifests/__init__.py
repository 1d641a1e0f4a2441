"""Typed specifications of served models, their YAML, and a linter for any KServe YAML."""
