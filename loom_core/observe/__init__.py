"""Looking at networks from outside: what can be called, and (later) what happens inside."""
