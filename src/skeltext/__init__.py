"""skeltext: recognise human actions from skeletons by what they are called."""

__version__ = "0.1.0"
