"""Who is told what happens inside a network, and what they make of it."""
