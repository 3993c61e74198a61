"""Images are told from others by their pixels, and found again wherever they are in a stack."""

from __future__ import annotations

import numpy as np

from napari_amseg.annotate.same_images import StackSearch, has_images, image_hashes, image_sha256
from napari_amseg.types import stack_from_array


def test_a_stack_is_known_again_and_another_is_not(frames):
    stack = stack_from_array(frames)
    hashes = image_hashes(stack)
    assert set(hashes) == {0, len(frames) // 2, len(frames) - 1}
    assert has_images(stack, hashes)
    assert has_images(stack, {})  # of records that have none
    assert not has_images(stack_from_array(frames + 1), hashes)
    assert not has_images(stack_from_array(frames[:2]), hashes)
    assert not has_images(stack_from_array(frames.astype(np.float32)), hashes)
    assert image_sha256(frames[0]) != image_sha256(frames[0].reshape(-1, 16))


def test_equal_frames_are_found_once_each(frames):
    array = np.stack([frames[0], frames[1], frames[0], frames[2]])
    read: list[int] = []
    stack = stack_from_array(array)
    search = StackSearch(stack.derived(lambda t: read.append(t) or stack.read(t)))
    assert search.find(frames[1], (1,)) == 1
    assert read == [1]
    assert search.find(frames[0], (9, -1, 1)) == 0
    assert [search.find(frames[0]) for _ in range(2)] == [2, None]
    assert search.find(frames[3]) is None
