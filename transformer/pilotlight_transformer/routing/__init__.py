"""Which predictor answers: models, tenants' aliases, tiers, breakers, health."""
