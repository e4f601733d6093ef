class Zoo:
    def feed(self):
        return "hay"

def feed():
    return "no"
