"""Policies about sleep, compared at equal idle hours on recorded traffic."""
