"""Beds of the garden."""

beds = {}


def get_beds():
    return sorted(beds)


def post_beds(name, metres):
    beds[name] = metres
