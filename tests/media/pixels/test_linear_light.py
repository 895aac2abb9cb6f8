"""Curves between light and what a video stores."""

import numpy as np
import pytest

from vfi_flow.media.pixels.linear_light import (
    LINEAR,
    PQ,
    decoding,
    encoding,
    on_light,
    pq_decoded,
    pq_encoded,
    srgb_decoded,
    srgb_encoded,
)


@pytest.mark.parametrize(
    ("encoded", "decoded", "top"), [(pq_encoded, pq_decoded, 100), (srgb_encoded, srgb_decoded, 1)]
)
def test_decoding_undoes_encoding(encoded, decoded, top):
    light = np.linspace(0, top, 2000, dtype=np.float32)

    np.testing.assert_allclose(decoded(encoded(light)), light, rtol=2e-3, atol=1e-5)
    assert (np.diff(encoded(light)) > 0).all()


def test_known_points_of_the_curves():
    """SMPTE ST 2084 puts 100 cd/m2 at 0.508 and 1000 at 0.752; sRGB puts middle grey at 0.461."""
    np.testing.assert_allclose(pq_encoded(np.float32([0, 1, 10, 100])), [0, 0.508, 0.752, 1], atol=5e-4)
    np.testing.assert_allclose(srgb_encoded(np.float32([0, 0.18, 1])), [0, 0.4614, 1], atol=5e-4)


@pytest.mark.parametrize(
    ("source", "target", "curves"),
    [
        (1, 1, (None, None)),
        (LINEAR, LINEAR, (pq_encoded, pq_decoded)),
        (LINEAR, 13, (srgb_encoded, None)),
        (1, LINEAR, (None, srgb_decoded)),
        (PQ, LINEAR, (None, pq_decoded)),
        (LINEAR, PQ, (pq_encoded, None)),
    ],
)
def test_the_model_sees_gamma_encoded_pictures(source, target, curves):
    assert (encoding(source, target), decoding(source, target)) == curves


def test_alpha_is_no_light():
    plane = np.float32([0.25])

    made = on_light({"r": plane, "a": plane}, srgb_encoded)

    assert made["r"] > 0.5 and made["a"] == 0.25
