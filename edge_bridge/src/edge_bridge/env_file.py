"""A file of variables, one NAME=value on each line: how settings come to a bridge without a container."""

from pathlib import Path

from .errors import SettingsError


def read(name: str) -> dict[str, str]:
    """Return the variables, read as Docker does it; raise SettingsError."""
    try:
        text = Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError("env-file", f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SettingsError("env-file", "cannot be read (not text)") from error
    variables = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip().isidentifier():
            # Not the line itself: it may be the token.
            raise SettingsError("env-file", f"line {number} is not NAME=value")
        variables[key.strip()] = value.strip()
    return variables
