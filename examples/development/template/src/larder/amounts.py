"""Reads amounts as people write them."""

UNITS = {"g": 1, "kg": 1000}


def parse_amount(text):
    """Grams in a text such as `250 g`.

    >>> parse_amount("1.5 kg")
    1500.0
    """
    number, unit = text.split(" ")
    return float(number) * UNITS[unit]
