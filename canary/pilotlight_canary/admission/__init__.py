"""What the API server asks before it stores a change: webhooks, their certificates and answers."""
