"""Names of food, for people and for labels."""


def slug(title):
    """The name for a label.

    >>> slug("Winter Kale")
    'winter-kale'
    """
    return "-".join(title.lower().split(" "))


def plural(name, count):
    """The name for a number of things.

    >>> plural("egg", 1)
    'egg'
    >>> plural("egg", 0)
    'eggs'
    """
    return name if count <= 1 else name + "s"
