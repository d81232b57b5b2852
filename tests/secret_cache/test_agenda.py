"""What is looked at, and when."""

from sidecar.secret_cache.agenda import Agenda


def test_what_is_due_comes_in_the_order_of_its_moments() -> None:
    agenda: Agenda[str] = Agenda()
    for key, moment in (("b", 2.0), ("c", 3.0), ("a", 1.0)):
        agenda.put(key, moment)
    assert list(agenda.take_due(2)) == ["a", "b"]
    assert (list(agenda.take_due(2)), agenda.next_at()) == ([], 3.0)


def test_the_last_moment_of_a_key_counts() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("a", 1)
    agenda.put("a", 5)
    assert list(agenda.take_due(4)) == []
    assert list(agenda.take_due(9)) == ["a"]
    agenda.put("a", 20)
    agenda.put("a", 10)
    assert list(agenda.take_due(30)) == ["a"]


def test_it_tells_what_comes_sooner_than_all_else() -> None:
    agenda: Agenda[str] = Agenda()
    assert [agenda.put("a", 2), agenda.put("b", 3), agenda.put("c", 1)] == [True, False, True]


def test_nothing_is_due_after_clearing() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("a", 1)
    agenda.clear()
    assert (list(agenda.take_due(9)), agenda.next_at()) == ([], None)


def test_moments_that_no_longer_count_do_not_pile_up() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("b", 5000)
    for moment in range(1000):
        agenda.put("a", 2000 + moment)
    assert len(agenda._heap) <= 4
    assert list(agenda.take_due(9999)) == ["a", "b"]
