"""What can go wrong with the time series.

SeriesError
└── Unavailable     try again after `retry_after_s`; homes keep what is theirs meanwhile
"""


class SeriesError(Exception):
    """Something is wrong with the time-series store."""


class Unavailable(SeriesError):
    """The store cannot be reached or cannot write now: not started, stopped, disk full."""

    def __init__(self, reason: str, retry_after_s: float = 1.0) -> None:
        super().__init__(f"the time series cannot be had now: {reason}")
        self.retry_after_s = retry_after_s
