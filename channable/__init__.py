"""The Django project. It knows no marketplace."""
