"""Plain Python that every part may use. No Django."""
