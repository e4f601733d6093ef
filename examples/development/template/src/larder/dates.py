"""How long food lasts. Dates are texts such as 2026-05-01."""


def expired(best_before, today):
    """Whether food is past its date.

    >>> expired("2026-04-30", "2026-05-01")
    True
    """
    return best_before < today
