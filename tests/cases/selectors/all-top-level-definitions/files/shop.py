def one():
    return 1

class Two:
    def inner(self):
        return 2
