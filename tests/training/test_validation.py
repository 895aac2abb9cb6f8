"""Quick scores of a network: what the best weights and their strength are chosen by."""

import math
import warnings

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from tests.training.panning import pan
from vfi_flow.inference.pair import Pair
from vfi_flow.model.config import TINY
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.training.triplets import Triplet
from vfi_flow.training.validation import STRENGTHS, Place, Validation, calibrated, measures_at, sample_at, score_of


def scores(frame0, truth, frame1, strength=1.0):
    torch.manual_seed(0)
    validation = Validation(
        [Place("clip", Triplet(1, Pair(frame0, frame1), truth))], torch.device("cpu"), strength=strength
    )
    return validation.scores(InterpolationNetwork(TINY).eval(), "velocity")


def test_where_nothing_moves_samples_are_scored_by_psnr_and_the_strength_stays():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # numpy's, of a mean over nothing
        found = scores(*pan(1) * 3, strength=0.7)

    assert found["strength"] == 0.7
    assert found["score"] == found["psnr"] > 0
    assert "sharpness" not in found


def test_where_something_moves_they_are_scored_by_psnr_at_the_right_sharpness():
    found = scores(*pan(3, step=(6, 4)))

    assert found["sharpness"] == pytest.approx(0.88, abs=1e-3)
    assert found["score"] == pytest.approx(found["psnr"], abs=1e-2)


def test_a_sharpness_that_no_strength_makes_right_costs():
    assert score_of({"psnr": 30.0, "sharpness": 0.88}) == 30
    assert score_of({"psnr": 31.0, "sharpness": 0.8}) == pytest.approx(31 - 10 * math.log(0.88 / 0.8))


def test_what_is_measured_at_a_strength_lies_between_the_strengths_that_were_tried():
    """The nearest one would be another one in the next validation, and with it the best weights."""
    table = {0.0: {"lpips": 0.2, "psnr": 30.0}, 0.85: {"lpips": 0.08, "psnr": 29.0}, 1.0: {"lpips": 0.05, "psnr": 28.0}}

    assert measures_at(0.925, table) == pytest.approx({"lpips": 0.065, "psnr": 28.5})
    assert measures_at(0.85, table) == table[0.85] and measures_at(1.4, table) == table[1.0]


def test_a_frame_without_any_detail_has_a_score():
    assert -math.inf < score_of({"psnr": 20.0, "sharpness": 0.0}) < score_of({"psnr": 20.0, "sharpness": 0.1})


def test_a_sample_is_padded_and_knows_the_width_that_the_frame_had_before():
    frames = [np.ascontiguousarray(frame[:, :90]) for frame in pan(3)]

    sample = sample_at(Triplet(1, Pair(frames[0], frames[2]), frames[1]))

    assert sample.truth.shape == (80, 96, 3)
    assert sample.beside is not None and sample.beside.frame_width == 90


@pytest.mark.parametrize(
    ("sharpness", "strength"),
    [
        ({0.0: 0.8, 0.3: 0.86, 0.5: 0.9}, 0.4),
        ({0.5: 0.9, 0.0: 0.8, 0.3: 0.86}, 0.4),
        ({0.0: 0.5, 0.3: 0.6, 1.7: 0.7}, 1.7),
        ({0.0: 0.9, 0.3: 0.95, 0.5: 1.0}, STRENGTHS[0]),
        ({}, 0.7),
    ],
    ids=["in between", "in any order", "too soft", "too sharp", "unknown"],
)
def test_the_strength_is_where_the_sharpness_becomes_right(sharpness, strength):
    assert calibrated(sharpness, otherwise=0.7) == pytest.approx(strength)
