"""Nothing leaks: objects, proxies and memory of Python stay where they were."""

import pytest
from glue import GluePage, loaded_page

QUARTER_MEGABYTE = 2**18  # what is free lies in pieces; a leak of 250 bytes a network would show

#: Create, predict, dispose; a training now and then.
CYCLES = """
    const x = new Float32Array(64 * 4);
    const data = glue.samples(32, 64);
    const cycles = async (count) => {
        for (let i = 0; i < count; i++) {
            const net = await loom.BuildNetworkFromJSON(glue.network(64, 32, 4));
            await net.ForwardCPU(x);
            if (i % 100 === 0) await net.Train(data, { Epochs: 1 }, () => {});
            if (i % 100 === 1) await glue.failure(() => net.ForwardCPU([1]));
            net.dispose();
        }
        return loom.memory();
    };
"""


@pytest.fixture(scope="module", params=[True, False], ids=["worker", "main-thread"])
def session(browser, site, request):
    with loaded_page(browser, site, worker=request.param) as page:
        yield page


def test_1000_networks_leave_nothing_behind(session):
    before, after = session.run(
        CYCLES
        + """
        const before = await cycles(100);
        return [before, await cycles(1000)];
        """
    )

    assert after["heapBytes"] - before["heapBytes"] <= QUARTER_MEGABYTE
    for key in ("liveHandles", "liveJobs", "liveProxies"):
        assert after[key] == 0, key


def test_10_000_calls_leave_nothing_behind(session):
    before, after = session.run("""
        const net = await loom.BuildNetworkFromJSON(glue.network(4, 2));
        const x = new Float32Array(4);
        for (let i = 0; i < 500; i++) await net.ForwardCPU(x);
        const before = await loom.memory();
        for (let i = 0; i < 10000; i++) await net.ForwardCPU(x);
        const after = await loom.memory();
        net.dispose();
        return [before, after];
    """)

    assert before["liveHandles"] == 1
    assert after == before


#: An event after each step: each is a call of the kernels of its own.
TRAINING = """
    const net = await loom.BuildNetworkFromJSON(glue.network(8, 16, 4));
    const data = glue.samples(1600, 8);
    const config = { LossType: "cross_entropy", ProgressInterval: 0 };
    const steps = async (count) => {
        let seen = 0;
        const settings = { ...config, Epochs: count / 100 };
        await net.Train(data, settings, ({ Event }) => (seen += Event === "batch_end"));
        return { seen, ...(await loom.memory()) };
    };
"""


def test_10_000_steps_of_training_leave_nothing_behind(session):
    before, after, report = session.run(
        TRAINING
        + """
        const found = [await steps(10000), await steps(10000), await net.GetBackendReport()];
        net.dispose();
        return found;
        """
    )

    assert (report["Used"], report["Fallbacks"]) == ("simd", {})
    assert after["seen"] == 10_000
    assert after["heapBytes"] - before["heapBytes"] <= QUARTER_MEGABYTE / 4
    for key in ("liveHandles", "liveJobs", "liveProxies"):
        assert after[key] == before[key], key


def test_cancelled_calls_leave_nothing_behind(session):
    after = session.run("""
        const data = glue.samples(64, 8);
        for (let i = 0; i < 50; i++) {
            const controller = new AbortController();
            const { signal } = controller;
            const made = glue.failure(() =>
                loom.BuildNetworkFromJSON(glue.network(2, 2), { signal }).then((n) => n.dispose()));
            const net = await loom.BuildNetworkFromJSON(glue.network(8, 2));
            const training = glue.failure(() =>
                net.Train(data, { Epochs: 1e6 }, () => controller.abort(), { signal }));
            await made;
            await training;
            net.dispose();
            controller.abort();
        }
        return loom.memory();
    """)

    # On the main thread the network is made at once, is no promise, and is left to the collector.
    assert after["liveJobs"] == 0
    assert after["liveProxies"] == 0


def test_a_result_that_nobody_waits_for_any_more_is_let_go(browser, site):
    with loaded_page(browser, site, worker=True) as page:
        handles = page.run("""
            for (let i = 0; i < 20; i++) {
                const controller = new AbortController();
                const { signal } = controller;
                const made = loom.BuildNetworkFromJSON(glue.network(2, 2), { signal });
                controller.abort();
                await glue.failure(() => made);
            }
            await loom.memory();  // the answer to this comes after those that nobody waits for
            return (await loom.memory()).liveHandles;
        """)

    assert handles == 0


@pytest.mark.parametrize("worker", [True, False], ids=["worker", "main-thread"])
def test_networks_that_were_forgotten_are_collected(context, site, worker):
    page = context.new_page()
    glue = GluePage(page, site.url)
    glue.load(worker=worker)
    glue.run("for (let i = 0; i < 20; i++) await loom.BuildNetworkFromJSON(glue.network(2, 2));")
    collector = context.new_cdp_session(page)

    def live_handles():
        collector.send("HeapProfiler.collectGarbage")
        return glue.run("return (await loom.memory()).liveHandles")

    assert any(live_handles() == 0 for _ in range(50))


def test_a_network_in_training_is_not_collected(context, site):
    page = context.new_page()
    glue = GluePage(page, site.url)
    glue.load(worker=True)
    glue.run("""
        const config = { Epochs: 1e6 };
        const started = glue.deferred();
        window.controller = new AbortController();
        const { signal } = controller;
        const net = await loom.BuildNetworkFromJSON(glue.network(2, 2));
        window.training = net.Train(glue.samples(16, 2), config, started.resolve, { signal });
        window.training.catch(() => {});
        await started.promise;
    """)
    collector = context.new_cdp_session(page)

    for _ in range(10):
        collector.send("HeapProfiler.collectGarbage")

    assert glue.run("return (await loom.memory()).liveJobs") == 1
    assert glue.failure("{ controller.abort(); return training; }")["name"] == "AbortError"


def test_no_proxy_of_pyodide_stays_alive(page, page_log, site):
    page_log.expect_error("favicon.ico")
    alive = GluePage(page, site.url).run("""
        const { startPyodide, Python } = await import(arg.site + "loom/python.js");
        const pyodide = await startPyodide(arg.site + "pyodide/");
        const python = new Python(pyodide);
        pyodide._module.enable_pyproxy_allocation_tracing();
        const alive = pyodide._module.pyproxy_alloc_map;
        const before = alive.size;
        const { $object } = python.call(0, "BuildNetworkFromJSON", [glue.network(4, 2)]).value;
        for (let i = 0; i < 1000; i++) {
            python.call($object, "ForwardCPU", [new Float32Array(4)]);
            python.memory();
        }
        const { job } = python.call(
            $object, "Train", [glue.samples(64, 4), { Epochs: 20 }, { $callback: 0 }], () => {});
        while (python.advance(job, 5).pending);
        return [before, alive.size, python.memory().liveProxies];
    """)

    assert alive == [0, 0, 0]
