"""What is to be bought."""

orders = []


def put_orders(name, amount):
    orders.append((name, amount))
