"""Errors of a conversion. The command line prints each as one line and exits with 2."""


class ConvertError(Exception):
    """Base class. The message says what was expected, what was found, and where."""


class UnreadableModelError(ConvertError):
    """The file is not a complete LightGBM model."""


class UnsupportedModelError(ConvertError):
    """The model is valid, but an exact conversion cannot be proven. The message names the part."""


class RowsError(ConvertError):
    """The reference rows do not fit the model."""


class MismatchError(ConvertError):
    """The converted model scores some row differently from LightGBM."""


class OptionError(ConvertError):
    """A command-line option is invalid, or does not fit this model."""
