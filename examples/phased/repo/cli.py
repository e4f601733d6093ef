"""Watering of beds, at the prompt: cli.py BED LITRES."""

import sys

import api


def main(arguments: list[str]) -> int:
    bed, litres = arguments
    print(api.water(bed, float(litres)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
