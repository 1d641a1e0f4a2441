"""What the step ``validate`` knows: schemas, limits, parameters, templates and tokens."""
