from larder.dates import expired


def test_food_of_tomorrow_is_good():
    assert not expired("2026-05-02", "2026-05-01")
