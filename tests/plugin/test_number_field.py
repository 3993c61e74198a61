"""What a number field shows is what counts, typed to the end or not, with point or comma."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QLocale, Qt
from qtpy.QtTest import QTest

from napari_amseg.plugin.experiment_form import ExperimentForm
from napari_amseg.plugin.forms import OptionalNumber, SettingsForm
from napari_amseg.segment import PostSettings
from napari_amseg.settings import options
from napari_amseg.types import Experiment


def typed(field, text: str) -> None:
    """As a person does, who then clicks a button that takes no focus."""
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_Backspace)
    QTest.keyClicks(field, text)


@pytest.fixture
def number(qtbot):
    field = OptionalNumber("µm")
    qtbot.addWidget(field)
    return field


def test_what_is_shown_counts_without_tab_or_enter(qtbot, number):
    typed(number, "2")
    assert number.number() == 2
    form = ExperimentForm()
    qtbot.addWidget(form)
    typed(form.field("pixel_size_um"), "1.93")
    assert form.value() == Experiment(pixel_size_um=1.93)


def test_an_emptied_field_is_unknown_and_not_as_before(number):
    number.set_number(2.0)
    typed(number, "")
    assert number.number() is None
    assert number.text() == "unknown"


def test_a_decimal_comma_is_no_thousand(number):
    typed(number, "0,65")
    assert number.number() == 0.65
    assert number.text() == "0.65 µm"


def test_a_number_with_two_meanings_is_not_taken(number):
    number.set_number(None)
    typed(number, "50,000")
    assert number.number() is None
    assert number.text() == "unknown"


def test_the_language_of_the_system_changes_no_number(qtbot):
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.German))
    try:
        field = OptionalNumber("µm")
        qtbot.addWidget(field)
        field.set_number(0.65)
        typed(field, "0.65")
        assert field.number() == 0.65
    finally:
        QLocale.setDefault(before)


def test_numbers_of_settings_are_read_as_they_are_shown(qtbot):
    form = SettingsForm(PostSettings)
    qtbot.addWidget(form)
    name = next(o.name for o in options(PostSettings) if o.type is int)
    typed(form.field(name), "7")
    assert getattr(form.value(), name) == 7
