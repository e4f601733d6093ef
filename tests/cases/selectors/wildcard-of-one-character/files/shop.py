def get2():
    return 2

def get22():
    return 22
