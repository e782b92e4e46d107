"""Whose turn it is: fair among organisations by share, then first come.

What a user loses when these fail: an hour in a line in which others pass.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_libretexts.core.turns import Waiter, expected, in_order

WAITERS = st.lists(
    st.builds(Waiter, st.just(0), st.sampled_from(["north", "south", "none"]), st.integers(0, 5).map(float)),
    max_size=12,
).map(lambda found: [Waiter(number, one.organization, one.joined) for number, one in enumerate(found)])
SHARES = st.fixed_dictionaries({"north": st.integers(1, 4), "south": st.integers(1, 4)})
HELD = st.fixed_dictionaries({}, optional={"north": st.integers(0, 6), "south": st.integers(0, 6)})


@given(WAITERS, HELD, SHARES)
def test_nobody_is_lost_or_passed_within_their_organisation(waiters, held, shares) -> None:
    """Else somebody who came first sits and watches others go."""
    order = in_order(waiters, held, shares)
    assert sorted(one.number for one in order) == [w.number for w in waiters if w.organization in shares]
    for name in shares:
        mine = [one for one in order if one.organization == name]
        assert mine == sorted(mine, key=lambda one: (one.joined, one.number))


@given(WAITERS, HELD, SHARES)
def test_the_next_turn_is_never_of_who_holds_more_of_their_share(waiters, held, shares) -> None:
    """Else a large class keeps a small school out for as long as it pleases."""
    taken = {name: held.get(name, 0) for name in shares}
    order = list(in_order(waiters, held, shares))
    while order:
        first = order[0]
        for name in {one.organization for one in order}:
            assert taken[first.organization] * shares[name] <= taken[name] * shares[first.organization]
        taken[first.organization] += 1
        order.pop(0)


def test_with_equal_shares_turns_alternate_and_a_larger_share_has_more_of_them() -> None:
    """Else a share is only a word."""
    line = [Waiter(number, "north" if number < 4 else "south", float(number)) for number in range(8)]
    equal = in_order(line, {}, {"north": 2, "south": 2})
    assert [one.organization[0] for one in equal] == list("nsnsnsns")
    thrice = in_order(line, {}, {"north": 3, "south": 1})
    assert [one.organization[0] for one in thrice] == list("nsnnnsss")


def test_when_a_turn_is_expected_follows_from_the_ends_of_those_who_run() -> None:
    """Else the time that students plan by is made up."""
    assert expected(0, [100.0, 200.0], 50) == 100.0
    assert expected(1, [100.0, 200.0], 50) == 200.0
    assert expected(4, [100.0, 200.0], 50) == 200.0
    assert expected(2, [100.0, 200.0], None) is None
    assert expected(0, [], 50) is None
