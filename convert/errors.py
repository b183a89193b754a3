"""What can go wrong between a model file and a bundle; each is one line for the user."""


class ConvertError(Exception):
    """The base: the message says what was wanted, what came, and where."""


class UnreadableModelError(ConvertError):
    """The file is not a whole LightGBM model."""


class UnsupportedModelError(ConvertError):
    """A LightGBM model whose exact conversion cannot be proven; the message names the part."""


class RowsError(ConvertError):
    """The reference rows do not fit the model."""


class MismatchError(ConvertError):
    """The converted model differs from LightGBM on some row."""


class OptionError(ConvertError):
    """A choice given on the command line cannot be followed."""
