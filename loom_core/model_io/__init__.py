"""Model strings and files."""
