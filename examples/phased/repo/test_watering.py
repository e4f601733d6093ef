import unittest

import api


class Watering(unittest.TestCase):
    def test_water_adds_up(self) -> None:
        api.water("north", 2)
        self.assertEqual(api.water("north", 3), 5)

    def test_a_bed_cannot_be_given_less_than_nothing(self) -> None:
        with self.assertRaises(ValueError):
            api.water("south", -1)


if __name__ == "__main__":
    unittest.main()
