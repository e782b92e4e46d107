"""Let matplotlib fall back to the image's fonts for scripts that DejaVu lacks."""

from pathlib import Path

import matplotlib

FAMILIES = "DejaVu Sans, Droid Sans Fallback, Lohit Devanagari, Amiri, Abyssinica SIL"

settings = Path(matplotlib.get_data_path()) / "matplotlibrc"
text = settings.read_text()
line = "#font.family:  sans-serif"
if line not in text:
    message = f"{settings} no longer has the line {line!r}: look at how this version names its default font"
    raise SystemExit(message)
settings.write_text(text.replace(line, f"font.family:  {FAMILIES}"))
