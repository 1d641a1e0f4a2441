"""To the predictor and back: pooled connections, deadlines, retries, streams."""
