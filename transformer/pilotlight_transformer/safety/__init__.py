"""What may be asked and answered: deny-lists, personal data, injections, an outside classifier."""
