"""Sending events: to a server in a thread, refused where it must be, and nothing lost uncounted."""

import asyncio
import gc
import ipaddress
import sys
import threading

import numpy as np
import pytest

from loom_core import Dense, HTTPObserver, SpecError, TrainingEvent
from loom_core.bridge import Bridge
from loom_core.observers import http_address, http_post
from loom_core.observers.http_address import is_public, read_target, resolve
from tests.support.event_server import LONG, serving
from tests.support.observed_networks import network_of


def local(server, **options):
    return HTTPObserver(server.url, allow_private=True, **options)


def test_events_arrive_in_order_in_batches():
    with serving() as server:
        observer = local(server)
        network = network_of(Dense(3, "relu", input_size=2), Dense(1, input_size=3), model_id="m")
        network.set_observer(observer)
        for _ in range(20):
            network.forward_cpu([1, 2])
        observer.on_training_event(TrainingEvent("epoch_end", 1, 3, 0.5))
        observer.close()
        assert observer.flush(LONG)
        events = [event for body in server.bodies for event in body]
        assert [event["LayerIdx"] for event in events[:-1]] == [0, 1] * 20
        assert events[-1]["Type"] == "epoch_end"
        assert events[0]["model_id"] == "m"
        assert events[0]["Output"] == []
        assert set(server.paths) == {"/telemetry?run=1"}
        status = observer.get_status()
        assert (status.sent, status.failed, status.dropped, status.waiting) == (41, 0, 0, 0)


def test_a_server_that_does_not_answer_holds_nothing_up():
    with serving() as server:
        server.may_answer.clear()
        observer = local(server, queue_size=5)
        network = network_of(Dense(3, input_size=2))
        network.set_observer(observer)
        network.forward_cpu([1, 2])
        assert server.asked.wait(LONG)
        for _ in range(8):
            network.forward_cpu([1, 2])
        status = observer.get_status()
        assert (status.sent, status.waiting, status.dropped) == (0, 6, 3)
        server.may_answer.set()
        assert observer.flush(LONG)
        assert observer.get_status().sent == 6
        assert sum(map(len, server.bodies)) == 6


def test_a_request_that_takes_too_long_fails():
    with serving() as server:
        server.may_answer.clear()
        observer = local(server, timeout=0.01)
        observer.on_training_event(TrainingEvent("epoch_start", 1))
        assert observer.flush(LONG)
        assert observer.get_status().failed == 1
        assert "timed out" in observer.get_status().last_error


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_the_server_refuses_is_counted_with_the_reason(status):
    with serving() as elsewhere, serving(
        status=status, headers=[("Location", elsewhere.url)]
    ) as server:  # fmt: skip
        observer = local(server)
        observer.on_training_event(TrainingEvent("epoch_start", 1))
        assert observer.flush(LONG)
        found = observer.get_status()
        assert (found.sent, found.failed) == (0, 1)
        assert str(status) in found.last_error
        assert elsewhere.bodies == []
        assert ("redirects are not followed" in found.last_error) == (status == 302)


def test_numbers_that_json_lacks_are_sent_as_null():
    with serving() as server:
        observer = local(server)
        network = network_of(Dense(1, "linear", input_size=1))
        network.layers[0].set_weights({"kernel": [3e38], "bias": [0]})
        network.set_observer(observer)
        with np.errstate(all="ignore"):
            network.forward_cpu([10])
        assert observer.flush(LONG)
        assert server.bodies[0][0]["Stats"]["OutputMax"] is None
        assert server.bodies[0][0]["Stats"]["InfCount"] == 1


def test_private_addresses_are_refused_unless_allowed():
    for host in ("localhost", "a.localhost.", "127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.1.1",
                 "0.0.0.0", "[::1]", "[fe80::1]", "[::ffff:127.0.0.1]", "100.64.0.1"):  # fmt: skip
        with pytest.raises(SpecError, match="private"):
            HTTPObserver(f"http://{host}:8080/telemetry")
    assert HTTPObserver("http://localhost/", allow_private=True).url == "http://localhost/"


def test_a_name_that_leads_into_a_private_network_is_refused_when_sending(monkeypatch):
    answers = [(2, 1, 6, "", ("10.0.0.7", 80))]
    monkeypatch.setattr(http_address.socket, "getaddrinfo", lambda *args, **options: answers)
    observer = HTTPObserver("http://telemetry.example/")
    observer.on_training_event(TrainingEvent("epoch_start", 1))
    assert observer.flush(LONG)
    status = observer.get_status()
    assert (status.sent, status.failed) == (0, 1)
    assert "10.0.0.7" in status.last_error
    target = read_target("https://telemetry.example/", allow_private=False)
    assert resolve(target, allow_private=True) == [("10.0.0.7", 443)]


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("224.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::808:808", False),
        ("::127.0.0.1", False),
        ("fc00::1", False),
    ],
)
def test_what_is_public(text, public):
    assert is_public(ipaddress.ip_address(text)) == public


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)", "http://", "example.com",
     "http://user:secret@example.com/", "http://example.com/\r\nX: y", "http://example.com:99999/",
     "http://[::1", "http://example.com/" + "a" * 3000, "http://a..b/", "http://" + "a" * 70, 7],
)  # fmt: skip
def test_other_addresses_are_refused(url):
    with pytest.raises(SpecError):
        HTTPObserver(url)


def test_other_alphabets_are_sent_in_ascii():
    target = read_target("https://b\u00fccher.example/\u00e9?q=\u00fc%20", allow_private=False)
    assert target.host == "xn--bcher-kva.example"
    assert target.path == "/%C3%A9?q=%C3%BC%20"


@pytest.mark.parametrize(
    "timeout", [0, -1, "1", float("nan"), True, float("inf"), 1e300, 3601, 10**400]
)
def test_a_timeout_must_be_above_zero_and_end(timeout):
    with pytest.raises(SpecError, match="timeout"):
        HTTPObserver("http://example.com/", timeout=timeout)


def test_a_request_that_fails_in_an_unforeseen_way_ends_nothing(monkeypatch):
    outcomes = [RuntimeError("unforeseen"), None]

    def post(*_, **__):
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome

    monkeypatch.setattr(http_post, "post", post)
    observer = HTTPObserver("http://127.0.0.1:9/", allow_private=True)
    for epoch in (1, 2):
        observer.on_training_event(TrainingEvent("epoch_start", epoch))
        assert observer.flush(LONG)
    status = observer.get_status()
    assert (status.failed, status.sent, status.waiting) == (1, 1, 0)
    assert status.last_error == "RuntimeError: unforeseen"


def test_a_browsers_request_that_fails_in_an_unforeseen_way_ends_nothing(monkeypatch):
    outcomes = [RuntimeError("unforeseen"), ""]

    class Fetch:
        @staticmethod
        async def post(url, body, timeout_ms):
            outcome = outcomes.pop(0)
            if outcome:
                raise outcome
            return outcome

    monkeypatch.setitem(sys.modules, "loom_http", Fetch)
    monkeypatch.delitem(sys.modules, "loom_core.observers.http_fetch", raising=False)
    monkeypatch.setattr(sys, "platform", "emscripten")

    async def run():
        observer = HTTPObserver("http://example.com/")
        for epoch in (1, 2):
            observer.on_training_event(TrainingEvent("epoch_start", epoch))
            await observer._delivery._task
        return observer.get_status()

    status = asyncio.run(run())
    assert (status.failed, status.sent, status.waiting) == (1, 1, 0)
    assert status.last_error == "RuntimeError: unforeseen"


def test_no_thread_starts_before_the_first_event_and_none_outlives_the_observer(monkeypatch):
    started = []

    class Recorded(threading.Thread):
        def start(self):
            if self.name == "loom-http-observer":
                started.append(self)
            super().start()

    with serving() as server:
        monkeypatch.setattr(threading, "Thread", Recorded)
        observer = local(server)
        assert started == []
        for epoch in (1, 2):
            observer.on_training_event(TrainingEvent("epoch_start", epoch))
            assert observer.flush(LONG)
        (mine,) = started
        assert mine.is_alive()
        del observer
        gc.collect()
        mine.join(LONG)
        assert not mine.is_alive()


def test_javascript_makes_one_too():
    bridge = Bridge()
    refused = bridge.call(0, "NewHTTPObserver", ["http://127.0.0.1/"])["error"]
    assert (refused["code"], "allow_private" in refused["hint"]) == ("spec", True)
    handle = bridge.call(0, "NewHTTPObserver", ["http://127.0.0.1/", True])["value"]["$object"]
    assert bridge.call(handle, "GetStatus", [])["value"] == {
        "Sent": 0, "Failed": 0, "Dropped": 0, "Waiting": 0, "LastError": "",
    }  # fmt: skip
