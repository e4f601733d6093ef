from larder.jars import jars_needed


def test_full_jars():
    assert jars_needed(900, 300) == 3
