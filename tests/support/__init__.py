"""What several test files use: cases, oracles, networks, devices; each once, by its subject."""
