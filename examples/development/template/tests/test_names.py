from larder.names import plural, slug


def test_a_label_has_small_letters_and_hyphens():
    assert slug("Red Winter Kale") == "red-winter-kale"


def test_many_have_an_s():
    assert plural("egg", 3) == "eggs"
