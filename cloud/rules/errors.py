"""What can be wrong with a rule file. The text says where, what was expected, and the nearest
word."""


class BadRule(Exception):
    """A rule that cannot be used. line and column begin at 1."""

    def __init__(self, file: str, line: int, column: int, message: str) -> None:
        super().__init__(f"{file}:{line}:{column}: {message}")
        self.file, self.line, self.column, self.message = file, line, column, message
