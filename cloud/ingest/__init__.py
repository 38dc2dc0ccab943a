"""Takes in what gateways send: once, durably, in their order, and never stopped by bad input."""
