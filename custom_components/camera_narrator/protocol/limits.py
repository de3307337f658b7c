"""The versions spoken, where the bridge dials, and how much of everything may travel."""

PROTOCOL_MIN = 1
PROTOCOL_MAX = 1
PATH = "/api/camera_narrator/bridge"
MAX_TEXT_BYTES = 2 * 2**20
"""A text message: 256 cameras of configuration, or one frame of MAX_FRAME_BYTES as base64, with room."""
MAX_FRAME_BYTES = 2**20
"""One JPEG; a noisy 1280x720 picture at quality 95 is about 0.25 MB."""
MAX_CAMERAS = 256
"""Cameras of one bridge; a small box decodes the key frames of fewer."""
MAX_REGIONS = 16
"""Moving regions of one activity state; more of them is noise."""
WINDOW_FRAMES = 64
"""Frames a bridge may have unacknowledged on the wire: 3 s of 12 cameras at the onset rate of 2 a second."""
MAX_DETECTIONS = 16
"""Named things of one activity state; a street holds fewer that matter."""
MAX_POLYGONS = 16
"""Areas of one kind of one camera."""
MAX_CORNERS = 32
"""Of one area; more of them no one types."""
PRINTABLE_MAX = 64
"""Characters of a name or of a text parameter of an error."""
URL_MAX = 2048
