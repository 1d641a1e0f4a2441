"""What was said before: kept for each tenant, put before what is said now."""
