"""How good the predictions of a network are, and how ways of training compare."""
