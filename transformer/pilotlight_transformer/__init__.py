"""The server in front of a predictor: who may ask, how much, what, and what may be answered."""
