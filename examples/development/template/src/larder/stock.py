"""What is there: names with their grams."""


def low(stock, limit):
    """Names of what is running out, in the order of the alphabet.

    >>> low({"rice": 80, "beans": 900}, 100)
    ['rice']
    """
    return sorted(name for name, grams in stock.items() if grams < limit)


def take(stock, name, grams):
    """The stock after something was taken out; never below nothing.

    >>> take({"rice": 80}, "rice", 100)
    {'rice': 0}
    """
    return {**stock, name: max(0, stock[name] - grams)}
