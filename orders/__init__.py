"""What we know about an order, and what happens to it."""
