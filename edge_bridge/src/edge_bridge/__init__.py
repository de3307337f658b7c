"""Edge bridge of Camera Narrator: cameras in, sampled frames out."""

__version__ = "0.1.0"
