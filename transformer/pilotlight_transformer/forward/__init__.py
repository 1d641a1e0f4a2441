"""To the predictors and back: connections that are kept, and answers that flow."""
