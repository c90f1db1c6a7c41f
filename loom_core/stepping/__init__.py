"""Networks that are run tick by tick: each layer works on what the one before it last gave."""
