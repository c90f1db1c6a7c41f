"""What a network shows from outside: its blueprint, its memory, and its state right now."""
