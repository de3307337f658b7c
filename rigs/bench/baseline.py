"""What people use instead of the bridge: the ffmpeg command line, and a read loop with OpenCV.

`python -m rigs.bench.baseline URL [SECONDS]` is that loop; it prints its own processor time, imports left out.
"""

import json
import sys
import time
from typing import Final

HEIGHT_PX: Final = 480
_JPEG_QUALITY: Final = 70


def ffmpeg(source: str, *, keys_only: bool = False) -> list[str]:
    """Return the command that turns a stream into JPEGs, one a second, or each key picture."""
    import imageio_ffmpeg  # noqa: PLC0415  # of this environment alone, and it looks for its program

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error"]
    if keys_only:
        command += ["-skip_frame", "nokey"]
    if source.startswith("rtsp:"):
        command += ["-rtsp_transport", "tcp"]
    command += ["-i", source, "-an"]
    command += ["-vf", f"scale=-2:{HEIGHT_PX}" if keys_only else f"fps=1,scale=-2:{HEIGHT_PX}"]
    if keys_only:
        command += ["-fps_mode", "passthrough"]
    return [*command, "-f", "image2pipe", "-c:v", "mjpeg", "-q:v", "4", "pipe:1"]


def pictures_in(written: bytes) -> int:
    """Return how many JPEGs ffmpeg has written."""
    return written.count(b"\xff\xd8\xff")


def opencv(source: str, seconds: float = 0.0) -> list[str]:
    """Return the command of the read loop; 0 seconds read to the end."""
    return [sys.executable, "-m", "rigs.bench.baseline", source, str(seconds)]


def _loop(source: str, seconds: float) -> None:
    import cv2  # noqa: PLC0415  # of this environment alone

    started_s, cpu_s = time.monotonic(), time.process_time()
    capture = cv2.VideoCapture(source)
    rate = capture.get(cv2.CAP_PROP_FPS) or 25.0
    read = kept = 0
    while not seconds or time.monotonic() - started_s < seconds:
        there, picture = capture.read()
        if not there:
            break
        if read >= kept * rate:
            height, width = picture.shape[:2]
            small = cv2.resize(picture, (round(width * HEIGHT_PX / height), HEIGHT_PX))
            cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
            kept += 1
        read += 1
    print(json.dumps({"cpu_s": time.process_time() - cpu_s, "pictures": kept, "read": read}))


if __name__ == "__main__":
    _loop(sys.argv[1], float(sys.argv[2]))
