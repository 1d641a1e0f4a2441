"""Typed specifications of served models, the YAML made from them, and a linter for any KServe YAML."""
