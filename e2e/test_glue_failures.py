"""When the worker or the interpreter dies, everything that waits for it fails, with a way on."""

import pytest
from glue import loaded_page

TRAIN = """
    const net = await loom.BuildNetworkFromJSON(glue.network(4, 2));
    const started = glue.deferred();
    window.training = net.Train(glue.samples(16, 4), { Epochs: 1e6 }, () => started.resolve());
    window.training.catch(() => {});
    await started.promise;
"""

DEATHS = {
    "an error that nobody caught": "setTimeout(() => { throw new Error('boom'); })",
    "a promise that nobody caught": "void Promise.reject(new Error('boom'))",
    "a message that is none of ours": (
        "dispatchEvent(new MessageEvent('message', { data: { kind: 'boom', id: 1 } }))"
    ),
    "a message of a wrong shape": (
        "dispatchEvent(new MessageEvent('message', { data: { kind: 'call', args: 'boom' } }))"
    ),
    "a message that cannot be read": "dispatchEvent(new MessageEvent('message', { data: null }))",
}


@pytest.mark.parametrize("kind", DEATHS)
def test_the_death_of_the_worker_rejects_everything(browser, site, kind):
    with loaded_page(browser, site, worker=True) as page:
        page.run(TRAIN)

        page.run_in_worker(DEATHS[kind])

        error = page.failure("training")
        assert (error["isLoomError"], error["code"]) == (True, "worker_failed")
        assert "loadLoom" in error["hint"]
        assert page.failure("loom.ListModels('{}')")["code"] == "worker_failed"
        assert page.failure("loom.memory()")["code"] == "worker_failed"
        assert page.load()[-1]["stage"] == "ready"


BREAK_PYTHON = """
    const { Python } = await import(arg.site + "loom/python.js");
    const { deadSession } = await import(arg.site + "loom/errors.js");
    Python.prototype.advance = () => { throw deadSession("Python failed: memory access"); };
"""


def test_the_death_of_the_interpreter_rejects_everything_on_the_main_thread(browser, site):
    with loaded_page(browser, site, worker=False) as page:
        page.run(TRAIN)

        page.run(BREAK_PYTHON)

        error = page.failure("training")
        assert (error["isLoomError"], error["code"]) == (True, "worker_failed")
        assert page.failure("loom.ListModels('{}')")["code"] == "worker_failed"


def test_the_death_of_the_interpreter_ends_the_worker(browser, site):
    with loaded_page(browser, site, worker=True) as page:
        page.run(TRAIN)

        page.run_in_worker(f"(async (arg) => {{ {BREAK_PYTHON} }})({{ site: '{site.url}' }})")

        assert page.failure("training")["code"] == "worker_failed"
        assert page.failure("loom.ListModels('{}')")["code"] == "worker_failed"
