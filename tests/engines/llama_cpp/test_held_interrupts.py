"""Ctrl-C is not lost while llama.cpp calls back into Python."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from localensemble.engines.llama_cpp.held_interrupts import interrupts_held

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends a signal to itself")


def test_an_interrupt_is_raised_when_the_block_has_ended() -> None:
    finished = []

    def work() -> None:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            finished.append("the work")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert finished == ["the work"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_is_not_lost_where_the_work_fails() -> None:
    def work() -> None:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            raise ValueError

    with pytest.raises(KeyboardInterrupt):
        work()


def test_without_an_interrupt_nothing_changes() -> None:
    with interrupts_held():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_whoever_handles_interrupts_keeps_handling_them() -> None:
    arrived: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: arrived.append(number))
    try:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            assert arrived == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_are_left_alone() -> None:
    ended: list[str] = []

    def work() -> None:
        with interrupts_held():
            ended.append("work")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == ["work"]
