"""Label images of any integer type as codes."""

import numpy as np
import pytest

from napari_amseg.annotate.label_codes import as_codes


def test_integers_become_codes_and_codes_are_not_copied():
    codes = as_codes(np.array([[0, 255]], np.int64), 3)
    assert codes.dtype == np.uint8
    assert codes.tolist() == [[0, 255]]
    assert as_codes(codes, 3) is codes


@pytest.mark.parametrize("labels", [[[0, 256]], [[-1, 0]], [[0.5, 1.0]]])
def test_what_is_no_code_is_refused_by_frame(labels):
    with pytest.raises(ValueError, match="frame 3: labels"):
        as_codes(np.array(labels), 3)
