import numpy as np

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.scores import Confusion
from napari_amseg.train.metric import ConfusionMetric

CASTING = DEFAULT_SCHEME.subset(["pore", "background"])


def test_it_counts_as_the_scores_do(rng):
    labels = rng.choice([0, 2, 4], (3, 16, 24)).astype(np.uint8)
    probabilities = rng.random((3, 16, 24, 2), np.float32)
    metric = ConfusionMetric(CASTING.codes)
    metric.update_state(labels[:2], probabilities[:2])
    metric.update_state(labels[2:], probabilities[2:])
    expected = Confusion(CASTING)
    for truth, guess in zip(labels, probabilities.argmax(-1), strict=True):
        expected.add(truth, np.array(CASTING.codes, np.uint8)[guess])
    np.testing.assert_array_equal(np.asarray(metric.result()), expected.counts[:, :2])
    metric.reset_state()
    assert not np.asarray(metric.result()).any()
