"""ForwardCPU without Python: the same numbers and errors, and never anything stale."""

import pytest
from glue import GluePage, loaded_page

MEGABYTE = 2**20

#: Samples as rows are no flat array of numbers: such a call always goes through Python.
HELPERS = """
    const rows = (x, width) =>
        Array.from({ length: x.length / width }, (_, i) =>
            Array.from(x.subarray(i * width, (i + 1) * width)));
    const wave = (length) => Float32Array.from({ length }, (_, i) => Math.sin(i * 0.7));
    const equal = (a, b) => a.length === b.length && a.every((number, i) => number === b[i]);
    const build = (...sizes) => loom.BuildNetworkFromJSON(glue.network(...sizes));
    /** The output, which has to be that of the way through Python. */
    const checked = async (net, x, width) => {
        const [first, second] = [await net.ForwardCPU(x), await net.ForwardCPU(x)];
        const slow = await net.ForwardCPU(rows(x, width));
        if (!equal(first, slow) || !equal(second, slow)) throw new Error(`${first}, not ${slow}`);
        return slow;
    };
"""


@pytest.fixture(scope="module", params=[True, False], ids=["worker", "main-thread"])
def session(browser, site, request):
    with loaded_page(browser, site, worker=request.param) as page:
        yield page


def test_every_kind_of_array_gives_what_python_gives(session):
    kinds = session.run(
        HELPERS
        + """
        const net = await build(6, 5, 3);
        const x = wave(24).map((number) => Math.round(number * 100));
        const slow = await net.ForwardCPU(rows(x, 6));
        const found = {};
        for (const Kind of [Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Array]) {
            const fast = await net.ForwardCPU(Kind.from(x));
            found[Kind.name] = fast instanceof Float32Array && equal(fast, slow);
        }
        const inLarger = new Float32Array(40);
        inLarger.set(x, 8);
        const before = await net.ForwardCPU(inLarger.subarray(8, 32));
        inLarger.fill(7);
        found.subarray = equal(before, slow) && before.buffer.byteLength === before.byteLength;
        net.dispose();
        return found;
        """
    )
    assert kinds == dict.fromkeys(kinds, True)
    assert len(kinds) == 7


def test_outputs_are_separate_and_lengths_may_alternate(session):
    assert session.run(
        HELPERS
        + """
        const [a, b] = [await build(4, 3), await build(4, 5, 3)];
        const one = await a.ForwardCPU(wave(4));
        const kept = one.slice();
        for (let samples = 1; samples < 6; samples++) {
            await checked(a, wave(4 * samples), 4);
            await checked(b, wave(4 * samples), 4);
        }
        a.dispose();
        b.dispose();
        return equal(one, kept);
        """
    )


CHANGES = {
    "InitializeWeights": "await net.InitializeWeights(7);",
    "SetWeights": """
        const layer = await net.GetLayer(0, 0, 0);
        const { bias } = await layer.GetWeights();
        await layer.SetWeights({ bias: bias.map((_, i) => i) });
        layer.dispose();
    """,
    "SetLayer": """
        const other = await build(8, 8, 2);
        await other.InitializeWeights(9);
        const layer = await other.GetLayer(0, 0, 0);
        await net.SetLayer(0, 0, 0, layer);
        layer.dispose();
        other.dispose();
    """,
    "SetDisabled": """
        const layer = await net.GetLayer(0, 0, 2);
        await layer.SetDisabled(true);
        layer.dispose();
    """,
    "Train": "await net.Train(glue.samples(32, 8), { Epochs: 2, LearningRate: 0.5 });",
    "memory growth": """
        const { wasmBytes } = await loom.memory();
        const large = await build(8, Math.ceil((wasmBytes + 2 ** 24) / 32), 2);
        await large.ForwardCPU(x);
        if ((await loom.memory()).wasmBytes === wasmBytes) throw new Error("it has not grown");
        large.dispose();
        await net.InitializeWeights(7);
    """,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_a_network_is_seen_at_once(session, change):
    assert session.run(
        HELPERS
        + f"""
        const net = await build(8, 8, 2);
        const x = wave(8);
        const before = await checked(net, x, 8);
        {CHANGES[change]}
        const fast = await net.ForwardCPU(x);
        const after = await checked(net, x, 8);
        net.dispose();
        return equal(fast, after) && !equal(after, before);
        """
    )


def test_the_backend_that_was_asked_for_runs(session):
    assert session.run(
        HELPERS
        + """
        const net = await build(8, 8, 2);
        const x = wave(8);
        await checked(net, x, 8);
        const used = [];
        for (const name of ["numpy", "simd"]) {
            await net.SetBackend(name);
            await checked(net, x, 8);
            used.push((await net.GetBackendReport()).Used);
        }
        net.dispose();
        return used;
        """
    ) == ["numpy", "simd"]


def test_going_back_starts_from_the_last_input(session):
    assert session.run(
        HELPERS
        + """
        const net = await build(8, 8, 2);
        const [x, dy] = [wave(16), wave(4)];
        await net.ForwardCPU(rows(x, 8));
        const expected = await net.BackwardCPU(dy);
        for (let i = 0; i < 2; i++) await net.ForwardCPU(x.map((number) => number + i));
        const other = await net.BackwardCPU(dy);
        for (let i = 0; i < 2; i++) await net.ForwardCPU(x);
        const found = await net.BackwardCPU(dy);
        net.dispose();
        return equal(found, expected) && !equal(other, expected);
        """
    )


@pytest.mark.parametrize(
    ("argument", "code", "message"),
    [
        ("new Float32Array(9)", "shape", "the input has 9 numbers, expected a multiple of 8"),
        ("new Float32Array(0)", "shape", "the input has 0 numbers, expected a multiple of 8"),
        ("new Array(9).fill(1)", "shape", "the input has 9 numbers, expected a multiple of 8"),
        ("new BigInt64Array(9)", "shape", "the input has 9 numbers, expected a multiple of 8"),
        ("[1, 2, 3, 4, 5, 6, 7, 'x']", "spec", "the input must be numbers, but it holds text"),
        ("[1, 2, 3, 4, 5, 6, 7, null]", "spec", "the input must be numbers, but it holds mixed"),
        ("[1, 2, 3, 4, 5, 6, 7, ,]", "spec", "the input must be numbers, but it holds mixed"),
    ],
)
def test_a_wrong_input_is_the_same_error(session, argument, code, message):
    session.run("window.net = await loom.BuildNetworkFromJSON(glue.network(8, 2))")
    fresh = session.failure(f"net.ForwardCPU({argument})")
    session.run("await net.ForwardCPU(new Float32Array(8))")
    error = session.failure(f"net.ForwardCPU({argument})")
    session.run("net.dispose()")
    for found in (fresh, error):
        assert found["isLoomError"]
        assert found["code"] == code
        assert found["message"].startswith(message)


def test_a_disposed_network_is_refused(session):
    error = session.failure(
        """(async () => {
            const net = await loom.BuildNetworkFromJSON(glue.network(4, 2));
            await net.ForwardCPU(new Float32Array(4));
            net.dispose();
            return net.ForwardCPU(new Float32Array(4));
        })()"""
    )
    assert error["code"] == "disposed"


def test_between_the_steps_of_a_training_the_weights_are_those_of_the_moment(browser, site):
    with loaded_page(browser, site, worker=False) as page:
        outputs = page.run(
            HELPERS
            + """
            const net = build(8, 8, 2);
            const x = wave(8);
            const outputs = [net.ForwardCPU(x)];
            const problems = [];
            await net.Train(glue.samples(32, 8), { Epochs: 5, LearningRate: 0.5 }, () => {
                const fast = net.ForwardCPU(x);
                if (!equal(fast, net.ForwardCPU(rows(x, 8)))) problems.push([...fast]);
                outputs.push(fast);
            });
            if (problems.length) throw new Error(JSON.stringify(problems));
            return [outputs[0][0], outputs.at(-1)[0]];
            """
        )
    assert outputs[0] != outputs[1]


def test_python_is_asked_once_and_again_after_anything_else(page, page_log, site):
    page_log.expect_error("favicon.ico")
    counts = GluePage(page, site.url).run("""
        const { startPyodide, Python } = await import(arg.site + "loom/python.js");
        const pyodide = await startPyodide(arg.site + "pyodide/");
        pyodide.runPython(`
            from collections import Counter
            from loom_core.bridge import Bridge

            entries = Counter()

            def counted(name, method):
                def call(*args):
                    entries[name] += 1
                    return method(*args)
                return call

            for name in ("call", "prepare_forward"):
                setattr(Bridge, name, counted(name, getattr(Bridge, name)))
        `);
        const python = new Python(pyodide);
        const count = () => pyodide.runPython("entries['call'], entries['prepare_forward']").toJs();
        const { $object } = python.call(0, "BuildNetworkFromJSON", [glue.network(4, 2)]).value;
        const forward = () => python.call($object, "ForwardCPU", [new Float32Array(4)]);
        const counts = [];
        for (let i = 0; i < 100; i++) forward();
        counts.push(count());
        python.memory();
        forward();
        counts.push(count());
        for (const name of ["TotalLayers", "InitializeWeights"]) {
            python.call($object, name, []);
            forward();
        }
        counts.push(count());
        return counts;
    """)
    assert [tuple(pair) for pair in counts] == [(1, 1), (1, 2), (3, 4)]


def test_10_000_calls_of_many_samples_leave_nothing_behind(session):
    before, after = session.run(
        HELPERS
        + """
        const net = await build(64, 32, 16);
        const x = wave(64 * 32);
        for (let i = 0; i < 500; i++) await net.ForwardCPU(x);
        const before = await loom.memory();
        for (let i = 0; i < 10000; i++) await net.ForwardCPU(x);
        const after = await loom.memory();
        net.dispose();
        return [before, after];
        """
    )
    assert after == before
