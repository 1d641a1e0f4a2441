"""From a served model's specification to the YAML that deploys it."""
