"""Builds ``dist/``, the folder that any static host can serve, and runs the project's checks."""
