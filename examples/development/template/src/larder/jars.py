"""How much fits where."""


def jars_needed(grams, size):
    """The number of jars of a size that hold an amount.

    >>> jars_needed(600, 300)
    2
    """
    return grams // size
