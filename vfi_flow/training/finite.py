"""Numbers as JSON can hold them."""

import math
from typing import Any


def without_nan(value: Any) -> Any:
    """The same document with null where a number is not defined or has no end; JSON knows neither."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
