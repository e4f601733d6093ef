"""Watering of beds, for other programs."""

given: dict[str, float] = {}


def water(bed: str, litres: float) -> float:
    """Give a bed some water; how much it has had by now."""
    given[bed] = given.get(bed, 0) + litres
    return given[bed]
