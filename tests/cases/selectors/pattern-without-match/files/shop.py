def total(xs):
    return 1
