"""Who asks: API keys and signed tokens, and what each of them may do."""
