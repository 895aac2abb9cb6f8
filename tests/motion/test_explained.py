"""Whether motion explains how two frames differ."""

import pytest

torch = pytest.importorskip("torch")

from vfi_flow.motion.explained import DOUBTED_ABOVE, NOTICED, REJECTED_ABOVE, unexplained  # noqa: E402

SIDE = 64
GENERATOR = torch.Generator().manual_seed(0)
PICTURE, OTHER = 0.2 * torch.randn(2, 1, 3, SIDE, SIDE, generator=GENERATOR)
MOVED = PICTURE.roll(5, 3)


def share_of_other(share: float) -> "torch.Tensor":
    """PICTURE with OTHER in `share` of its rows."""
    rows = round(share * SIDE)
    return torch.cat([OTHER[..., :rows, :], PICTURE[..., rows:, :]], 2)


def test_frames_that_agree_once_they_are_moved_are_explained():
    assert unexplained((PICTURE, MOVED), (PICTURE, PICTURE)) == 0


@pytest.mark.parametrize("after", [OTHER, 2 * PICTURE], ids=["another picture", "more light"])
def test_where_following_motion_leaves_the_difference_there_is_no_explanation(after):
    assert unexplained((PICTURE, after), (PICTURE, after)) == 1


def test_half_of_what_differed_explains_enough():
    half_way = PICTURE + 0.65 * (OTHER - PICTURE)  # 0.42 of the square difference

    assert unexplained((PICTURE, OTHER), (PICTURE, half_way)) == 0


@pytest.mark.parametrize(("share", "expected"), [(0.5, 0), (1.0, 1)])
def test_it_takes_most_of_the_frame(share, expected):
    """The rest of it moves, and is explained."""
    assert DOUBTED_ABOVE - 0.1 > 0.5 and REJECTED_ABOVE < 1
    warped = share_of_other(share)

    assert unexplained((MOVED, share_of_other(share)), (PICTURE, warped)) == expected


def test_what_hardly_differs_needs_no_explanation():
    noise = 0.9 * NOTICED * torch.randn(PICTURE.shape, generator=GENERATOR) / 1.1

    assert unexplained((PICTURE, PICTURE + noise), (PICTURE, PICTURE + noise)) == 0


def test_every_pair_of_a_batch_is_told_for_itself():
    frames = torch.cat([PICTURE, PICTURE]), torch.cat([MOVED, OTHER])
    warped = torch.cat([PICTURE, PICTURE]), torch.cat([PICTURE, OTHER])

    assert unexplained(frames, warped).flatten().tolist() == [0, 1]
