"""The one error that stops a command with a message instead of a traceback."""


class BuildError(Exception):
    """Something outside the program is wrong; the message says what, and what to do."""
