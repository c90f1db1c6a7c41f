"""Who is told what happens inside a network; what keeps, sends or judges what they hear."""
