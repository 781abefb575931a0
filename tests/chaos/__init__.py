"""Proof that no order is lost or doubled, whatever dies: real processes, real servers, remotes that keep books.

`make chaos` runs everything, `make test` a slice of it. See docs/reliability.md.
"""
