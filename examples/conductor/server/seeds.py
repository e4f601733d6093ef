"""Seeds in the shed."""

grams = {}


def get_seeds(name):
    return grams.get(name, 0)


def delete_seeds(name):
    del grams[name]
