from __future__ import annotations

import pytest

from localensemble.engines.worker.patience import Patience, Watch


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _watch(clock: Clock, *, is_new: bool = False) -> Watch:
    watch = Watch(Patience(), is_new=is_new, clock=clock)
    if not is_new:
        watch.beat(1)
    return watch


def _wait(watch: Watch, clock: Clock, seconds: int, *, steps: int | None = None) -> None:
    for _ in range(seconds):
        clock.now += 1.0
        watch.wait_ended()
        if steps is not None:
            watch.beat(steps)


def test_a_silent_process_is_told_of_after_10_seconds_and_ended_after_60(clock: Clock) -> None:
    watch = _watch(clock)
    _wait(watch, clock, 9)
    assert watch.notice() == ""
    _wait(watch, clock, 1)
    assert "no sign of life for 10 s" in watch.notice()
    assert watch.notice() == ""
    _wait(watch, clock, 49)
    assert watch.verdict() == ""
    _wait(watch, clock, 1)
    assert "no sign of life for 60 s" in watch.verdict()


def test_an_idle_process_is_ended_after_5_minutes_although_it_lives(clock: Clock) -> None:
    watch = _watch(clock)
    _wait(watch, clock, 10, steps=1)
    assert "no step of work for 10 s" in (told := watch.notice())
    assert "300 s" in told
    _wait(watch, clock, 289, steps=1)
    assert watch.verdict() == ""
    _wait(watch, clock, 1, steps=1)
    assert "no step of work for 300 s" in watch.verdict()


def test_a_slow_process_is_waited_for_without_a_word_while_it_takes_steps(clock: Clock) -> None:
    watch = _watch(clock)
    for hour in range(24 * 450):
        _wait(watch, clock, 8, steps=hour)
        assert (watch.notice(), watch.verdict()) == ("", "")


def test_a_step_that_takes_minutes_ends_nothing(clock: Clock) -> None:
    watch = _watch(clock)
    for steps in range(5):
        _wait(watch, clock, 280, steps=steps)
        assert watch.verdict() == ""


def test_a_second_standstill_is_told_of_again(clock: Clock) -> None:
    watch = _watch(clock)
    _wait(watch, clock, 12)
    assert watch.notice()
    watch.beat(2)
    assert watch.notice() == ""
    _wait(watch, clock, 12)
    assert watch.notice()


@pytest.mark.parametrize("jump", [8 * 3600.0, 1e12, -8 * 3600.0, -1e12])
def test_a_night_of_sleep_or_a_clock_that_jumps_counts_as_one_wait(
    clock: Clock, jump: float
) -> None:
    watch = _watch(clock)
    for _ in range(5):
        clock.now += jump
        watch.wait_ended()
        assert (watch.notice(), watch.verdict()) == ("", "")
    _wait(watch, clock, 4)
    assert watch.verdict() == ""


def test_python_is_given_time_to_start(clock: Clock) -> None:
    watch = _watch(clock, is_new=True)
    _wait(watch, clock, 10)
    assert "300 s" in watch.notice()
    _wait(watch, clock, 289)
    assert watch.verdict() == ""
    _wait(watch, clock, 1)
    assert watch.verdict()
