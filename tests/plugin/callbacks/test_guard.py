"""A callback that fails is left out with one warning that names it; a wrong request in a data YAML is an error."""

from __future__ import annotations

from copy import deepcopy
from types import SimpleNamespace

import pytest

from ultra_face.plugin.callbacks.guard import Guarded, is_left_out, say_once
from ultra_face.plugin.callbacks.table import CALLBACKS
from ultra_face.plugin.callbacks.turned_heads import turn_in_training
from ultra_face.plugin.callbacks.validation import check_request

WARNING = "ultra-face: test_guard.divide failed and is left out, the run goes on. ZeroDivisionError: division by zero"


def divide(host):
    host.calls += 1
    host.result = 1 / host.number


def test_what_works_runs_as_without_a_guard(caplog):
    host = SimpleNamespace(number=4, calls=0)
    Guarded(divide)(host)
    assert host.result == 0.25
    assert not caplog.text


def test_what_fails_is_left_out_for_this_object_with_one_warning(caplog):
    host, other = SimpleNamespace(number=0, calls=0), SimpleNamespace(number=2, calls=0)
    for _ in range(3):  # epochs
        Guarded(divide)(host)
        Guarded(divide)(other)
    assert host.calls == 1
    assert other.calls == 3
    assert caplog.text.count(WARNING) == 1
    assert is_left_out(host, "test_guard.divide")
    assert not is_left_out(other, "test_guard.divide")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_interruptions_pass(interruption):
    def interrupt(host):
        raise interruption

    with pytest.raises(interruption):
        Guarded(interrupt)(SimpleNamespace())


def test_copies_are_equal_as_ultralytics_expects_of_its_default_callbacks():
    assert deepcopy(Guarded(divide)) == Guarded(divide) != Guarded(test_interruptions_pass)


def test_a_line_is_said_once_for_an_object(caplog):
    first, second = SimpleNamespace(), SimpleNamespace()
    for host in (first, first, second):
        say_once(host, "no figure")
    assert caplog.text.count("no figure") == 2


def test_every_callback_is_guarded_but_those_that_read_what_the_user_asked_for():
    unguarded = {callback for _, callback in CALLBACKS if not isinstance(callback, Guarded)}
    assert unguarded == {check_request, turn_in_training}
