"""What deviations come to, by the formula of the documents."""


def score_of(deviations):
    """The mean of what each deviation, in percent, leaves of 100, and 0 without any."""
    return sum(max(0.0, 100.0 - deviation) for deviation in deviations) / max(1, len(deviations))
