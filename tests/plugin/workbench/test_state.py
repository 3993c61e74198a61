"""Which step is marked as what."""

from __future__ import annotations

from napari_amseg.plugin.workbench.docks import STEPS
from napari_amseg.plugin.workbench.state import Mark, StepState, marks


def marked(*, has_model=True, running=(), **done):
    of = {step: StepState("", step in done, step in running) for step in STEPS}
    return marks(of, has_model=has_model)


def next_of(found):
    steps = [step for step, mark in found.items() if mark is Mark.NEXT]
    assert len(steps) <= 1
    return steps[0] if steps else None


def test_with_a_model_the_way_is_load_segment_measure():
    found = marked()
    assert next_of(found) == "Load"
    assert {s for s, m in found.items() if m is Mark.OPTIONAL} == {
        "Preprocess",
        "Annotate",
        "Train",
    }
    assert next_of(marked(Load=1)) == "Segment"
    assert next_of(marked(Load=1, Preprocess=1)) == "Segment"
    assert next_of(marked(Load=1, Segment=1)) == "Measure"
    assert next_of(marked(Load=1, Segment=1, Measure=1)) is None


def test_without_a_model_one_must_be_trained():
    assert next_of(marked(has_model=False, Load=1)) == "Annotate"
    assert next_of(marked(has_model=False, Load=1, Annotate=1)) == "Train"


def test_labels_alone_are_measured():
    assert next_of(marked(Segment=1)) == "Measure"


def test_nothing_is_next_while_something_runs():
    found = marked(Load=1, running=("Segment",))
    assert found["Segment"] is Mark.RUNNING
    assert next_of(found) is None
