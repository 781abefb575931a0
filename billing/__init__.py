"""What a company pays for, counted from dated facts."""
