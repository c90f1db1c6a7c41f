"""A terminal to print to."""

import io


class Terminal(io.TextIOWrapper):
    """What is printed to it can be read back; it knows the characters of its encoding."""

    def __init__(self, encoding="utf-8"):
        super().__init__(io.BytesIO(), encoding, newline="\n")

    def isatty(self):
        """Say that somebody watches."""
        return True

    def getvalue(self):
        """All that was printed so far."""
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)
