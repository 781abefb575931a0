"""The one error of this package."""


class DevError(Exception):
    """Something the developer can put right; its text is one clear sentence, shown without a traceback."""
