"""A full door gives up the connection idle for longest, and none that is worked on."""

from sidecar.web.admission import Admission


def test_up_to_the_limit_nobody_has_to_go() -> None:
    admission = Admission[str](2)
    assert [admission.enter(each) for each in "ab"] == [None, None]


def test_beyond_it_the_one_idle_for_longest_goes() -> None:
    admission = Admission[str](2)
    assert [admission.enter(each) for each in "abcd"] == [None, None, "a", "b"]


def test_one_that_left_makes_room_and_may_leave_again() -> None:
    admission = Admission[str](1)
    admission.enter("a")
    for _ in range(2):
        admission.leave("a")
    assert [admission.enter(each) for each in "bc"] == [None, "b"]


def test_one_at_work_stays_and_is_the_last_to_be_idle_afterwards() -> None:
    admission = Admission[str](2)
    admission.enter("a")
    with admission.working("a"):
        assert [admission.enter(each) for each in "bc"] == [None, "b"]
    assert [admission.enter(each) for each in "de"] == ["c", "a"]


def test_when_all_are_at_work_the_newest_is_turned_away() -> None:
    admission = Admission[str](1)
    admission.enter("a")
    with admission.working("a"):
        assert admission.enter("b") == "b"
    assert admission.enter("c") == "a"


def test_one_that_left_while_at_work_is_not_counted_again() -> None:
    admission = Admission[str](1)
    admission.enter("a")
    with admission.working("a"):
        admission.leave("a")
    assert [admission.enter(each) for each in "bc"] == [None, "b"]


def test_one_given_up_that_is_still_handled_is_not_counted_again() -> None:
    admission = Admission[str](1)
    admission.enter("a")
    assert admission.enter("b") == "a"
    with admission.working("a"):
        pass
    assert admission.enter("c") == "b"
