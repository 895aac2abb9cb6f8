"""Quick scores of a network: what the best weights and their strength are chosen by."""

import math
import warnings

import pytest

pytest.importorskip("torch")

import torch

from tests.training.panning import pan
from vfi_flow.inference.pair import Pair
from vfi_flow.model.config import TINY
from vfi_flow.model.network import InterpolationNetwork
from vfi_flow.training.triplets import Triplet
from vfi_flow.training.validation import Place, Validation, score_of


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


def test_where_something_moves_they_are_scored_by_sharpness():
    found = scores(*pan(3, step=(6, 4)))

    assert found["score"] == pytest.approx(-abs(math.log(found["sharpness"])))


def test_a_frame_without_any_detail_has_a_score():
    assert -math.inf < score_of({"psnr": 20.0, "sharpness": 0.0}) < score_of({"psnr": 20.0, "sharpness": 0.1})
