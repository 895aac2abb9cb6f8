"""Where videos come from and go to."""

from pathlib import Path

from vfi_flow.media.images import ImageSequence
from vfi_flow.media.pipe import InputPipe, OutputPipe

Source = Path | InputPipe | ImageSequence

Target = Path | OutputPipe | ImageSequence
