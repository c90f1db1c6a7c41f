"""The browser side of the project."""
