"""What is unsaved, where, and what a save is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.owner import Owner
from napari_amseg.annotate.save_records import Saved
from napari_amseg.annotate.working_copy import SessionRecord, WorkingCopy
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.plugin.annotate.keeper import Keeper
from napari_amseg.types import Experiment

RUN = Experiment(experiment="run")


@pytest.fixture
def keeper(session, tmp_path):
    """Keeps a session; frames 0 and 1 come from a benchmark."""
    record = SessionRecord(
        (), session.stack.shape, "uint8", DEFAULT_SCHEME, RUN, Owner.here("Ann"),
        benchmark=str(tmp_path / "benchmark"),
    )  # fmt: skip
    copy = WorkingCopy.create(tmp_path / "work", record)
    session.annotation.labels[:2] = Label.SUBSTRATE
    session.annotation.statuses[:2] = Status.COMPLETE
    keeper = Keeper(session, copy, bases={0: "ab", 1: "cd"})
    yield keeper
    keeper.autosave.close()


@pytest.fixture
def label(session):
    """Label all of some frames."""

    def label(*frames, code=Label.PORE, status=Status.IN_PROGRESS):
        codes = np.full(session.stack.frame_shape, code, np.uint8)
        propose = session.annotation.propose
        session.apply(propose(t, codes, overwrite=True, status=status) for t in frames)

    return label


def test_suggestions_are_counted_apart(keeper, label):
    label(2, 3, status=Status.SUGGESTED)
    label(4)
    assert keeper.unsaved == {4}
    assert (keeper.n_unsaved, keeper.n_suggested) == (1, 2)
    label(2, code=Label.KEYHOLE)
    assert keeper.unsaved == {2, 4}
    assert (keeper.n_unsaved, keeper.n_suggested) == (2, 1)


def test_a_mistyped_folder_forgets_nothing(keeper, label, tmp_path):
    label(1)
    assert keeper.unsaved == {1}
    keeper.set_place(tmp_path / "benchmrak", RUN)
    assert keeper.unsaved == {0, 1}
    assert [f.base_sha256 for f in keeper.to_save([0, 1])] == [None, None]
    label(4)
    (given,) = keeper.to_save([4])
    keeper.note(Saved(4, given.name, "ef"), given)  # there, not in the right place
    assert keeper.unsaved == {0, 1}
    keeper.set_place(tmp_path / "benchmark", RUN)
    assert keeper.unsaved == {1, 4}
    assert [f.base_sha256 for f in keeper.to_save([0, 1, 4])] == ["ab", "cd", None]
    assert keeper.autosave.flush()
    assert keeper.working_copy.read_frame(0).base_sha256 == "ab"
    assert not keeper.working_copy.read_frame(0).unsaved


def test_a_folder_is_kept_from_the_root(keeper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keeper.set_place(Path("bench"), RUN)
    assert keeper.working_copy.record.benchmark == str(tmp_path / "bench")


def test_marks_by_hand_are_saved_and_compared(keeper, session, label):
    label(3)
    (given,) = keeper.to_save([3])
    assert given.by_hand is not None
    assert not given.by_hand.any()
    session.apply([session.annotation.confirm(3, np.ones(session.stack.frame_shape, bool))])
    keeper.note(Saved(3, given.name, "ef"), given)
    assert keeper.unsaved == {3}
    (given,) = keeper.to_save([3])
    keeper.note(Saved(3, given.name, "ef"), given)
    assert keeper.unsaved == set()


@pytest.mark.parametrize("status", [Status.SUGGESTED, Status.IN_PROGRESS])
def test_closing_leaves_what_is_in_no_benchmark(keeper, label, status):
    label(3, status=status)
    assert keeper.close()
    left = WorkingCopy.open(keeper.folder)
    assert left.record.owner.alive is False
    assert left.read_frame(3).status == status


def test_closing_throws_away_what_is_saved(keeper):
    assert keeper.close()
    assert not keeper.folder.exists()
