from larder.amounts import parse_amount


def test_grams_and_kilograms():
    assert parse_amount("250 g") == 250
    assert parse_amount("2 kg") == 2000
