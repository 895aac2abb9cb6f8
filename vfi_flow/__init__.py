"""Video frame interpolation with a flow-matching model conditioned on the two bracketing frames.

>>> from vfi_flow import Interpolator
>>> with Interpolator(model="base", steps=1) as interpolator:
...     [middle] = interpolator(frame0, frame1, taus=[0.5])
"""

from typing import TYPE_CHECKING, Any

from vfi_flow.errors import VfiFlowError

if TYPE_CHECKING:
    from vfi_flow.inference.interpolator import Interpolator
    from vfi_flow.inference.pair import Neighbour

__all__ = ["Interpolator", "Neighbour", "VfiFlowError", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # The engine is imported when it is asked for: `import vfi_flow` stays instant and needs numpy only.
    if name == "Interpolator":
        from vfi_flow.inference.interpolator import Interpolator

        return Interpolator
    if name == "Neighbour":
        from vfi_flow.inference.pair import Neighbour

        return Neighbour
    raise AttributeError(f"module 'vfi_flow' has no attribute {name!r}")
