from larder.stock import low, take


def test_plenty_is_not_low():
    assert low({"rice": 500}, 100) == []


def test_taking_leaves_the_rest():
    assert take({"rice": 500, "oats": 20}, "rice", 100) == {"rice": 400, "oats": 20}
