import pytest

from aiops.testbed.journeys import DAY_S, JOURNEYS, ROUTES, day_factor, schedule


def flat(sessions):
    return [request for session in sessions for request in session]


def test_same_seed_same_users_and_another_seed_others():
    assert schedule(3, 20) == schedule(3, 20)
    assert schedule(3, 20) != schedule(4, 20)


def test_mean_rate_over_a_day_is_the_stated_one():
    requests = flat(schedule(1, 2 * DAY_S, requests_per_s=10))
    assert len(requests) / (2 * DAY_S) == pytest.approx(10, rel=0.1)


def test_traffic_follows_the_day():
    peak = flat(schedule(1, 120, offset_s=DAY_S / 4 - 60))
    low = flat(schedule(1, 120, offset_s=3 * DAY_S / 4 - 60))
    assert 1.7 < len(peak) / len(low) < 3.2  # 1.4 / 0.6 = 2.3
    assert day_factor(DAY_S / 4) == pytest.approx(1.4)


def test_even_the_rarest_service_sees_a_request_a_second():
    requests = flat(schedule(1, DAY_S))
    bought = [request for request in requests if request.route == ROUTES["checkout"]]
    assert len(bought) / DAY_S > 1
    assert 0.3 <= JOURNEYS["buy"][0] <= 0.4
    assert sum(share for share, _ in JOURNEYS.values()) == pytest.approx(1)


def test_steps_of_a_session_are_one_users_and_in_order():
    for session in schedule(5, 30):
        assert [request.at for request in session] == sorted(request.at for request in session)
        assert len({request.user for request in session}) == 1
        assert session[-1].at < 30


def test_a_buyer_fills_the_cart_before_checkout():
    buyers = [s for s in schedule(5, 60) if s[-1].route == ROUTES["checkout"]]
    assert buyers
    assert all(s[-2].route == ROUTES["add"] for s in buyers)
    assert all(s[-2].body["sku"] >= 1 for s in buyers)


def test_few_products_take_most_of_the_interest():
    paths = [r.path for r in flat(schedule(1, 300)) if r.route == ROUTES["product"]]
    top = sorted((paths.count(path) for path in set(paths)), reverse=True)
    assert sum(top[:10]) > 0.6 * len(paths)
    assert len(top) > 50
