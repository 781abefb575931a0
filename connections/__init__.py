"""How we talk to remote accounts: connections, what is polled, what goes out."""
