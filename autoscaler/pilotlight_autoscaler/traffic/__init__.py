"""Request histories: where they come from, and what single requests are drawn from them."""
