def total(xs):
    return sum(xs)

def main():
    print(total([1]))
