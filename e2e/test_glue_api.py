"""The JavaScript API: every public name, what goes in, what comes out."""

import re

import numpy as np
import pytest
from glue import loaded_page

from loom_core.bridge import Bridge
from loom_core.introspection import describe
from web.build.api_declarations import camel_case

DESCRIPTION = describe()


@pytest.fixture(scope="module", params=[True, False], ids=["worker", "main-thread"])
def session(browser, site, request):
    with loaded_page(browser, site, worker=request.param) as page:
        page.worker = request.param
        yield page


def both_names(callables):
    return {name for c in callables for name in (c["name"], camel_case(c["name"]))}


def test_every_described_function_is_there_and_nothing_else(session):
    names = session.run("return Object.keys(loom).filter((k) => typeof loom[k] === 'function')")

    assert set(names) == both_names(DESCRIPTION["functions"]) | {"memory", "terminate", "describe"}
    assert session.run("return loom.version") == DESCRIPTION["version"]


def test_every_described_code_is_there(session):
    names = [enum["name"] for enum in DESCRIPTION["enums"]]
    codes = session.run("return arg.options.map((name) => ({ ...loom[name] }))", names)

    assert codes == [enum["values"] for enum in DESCRIPTION["enums"]]


def test_every_described_method_is_there_and_nothing_else(session):
    names = session.run("""
        const net = await loom.BuildNetworkFromJSON(glue.network(2, 2));
        const names = [];
        for (const key in net) if (typeof net[key] === "function") names.push(key);
        net.dispose();
        return names;
    """)

    (network,) = (c for c in DESCRIPTION["classes"] if c["name"] == "Network")
    assert set(names) == both_names(network["methods"]) | {"dispose"}


def test_outputs_are_those_of_native_python(session):
    config = session.run("return glue.network(6, 5, 3)")
    bridge = Bridge()
    handle = bridge.call(0, "BuildNetworkFromJSON", [config])["value"]["$object"]
    inputs = np.linspace(-1, 1, 12, dtype=np.float32)
    expected = bridge.call(handle, "ForwardCPU", [inputs])["value"]

    result = session.run(
        """
        const net = await loom.buildNetworkFromJSON(glue.network(6, 5, 3));
        const y = await net.forwardCPU(new Float32Array(arg.options));
        net.dispose();
        return { y: [...y], type: y.constructor.name, own: y.buffer.byteLength === y.byteLength };
        """,
        inputs.tolist(),
    )

    np.testing.assert_allclose(result["y"], expected, rtol=1e-5, atol=1e-7)
    assert result["type"] == "Float32Array"
    assert result["own"]  # a view of Python's memory would change, or be cut off when that grows


def test_all_kinds_of_number_arrays_give_the_same(session):
    outputs = session.run("""
        const net = await loom.BuildNetworkFromJSON(glue.network(3, 2));
        const numbers = [1, 0, 2];
        const kinds = [Float32Array, Float64Array, Int8Array, Int32Array, Uint8Array,
            Uint8ClampedArray, Uint16Array, Array].map((kind) => kind.from(numbers));
        kinds.push(Float32Array.from([9, ...numbers, 9]).subarray(1, 4));
        const outputs = [];
        for (const x of kinds) outputs.push([...(await net.ForwardCPU(x))].join());
        net.dispose();
        return outputs;
    """)

    assert len(outputs) == 9
    assert len(set(outputs)) == 1


def test_calls_give_promises_in_a_worker_and_values_on_the_main_thread(session):
    kinds = session.run("""
        const made = loom.BuildNetworkFromJSON(glue.network(2, 2));
        const net = await made;
        const counted = net.TotalLayers();
        const trained = net.Train(glue.samples(16, 2), { Epochs: 1 });
        await trained;
        net.dispose();
        return [made, counted, loom.memory(), trained].map((value) => value instanceof Promise);
    """)

    assert kinds == [session.worker] * 3 + [True]


def test_null_and_undefined_leave_an_argument_out(session):
    same = session.run("""
        const net = await loom.BuildNetworkFromJSON(glue.network(2, 2));
        const saved = [];
        for (const seeds of [[], [undefined], [null], [null, undefined], [null, {}]]) {
            await net.InitializeWeights(...seeds);
            saved.push(await net.SaveModelToString("m"));
        }
        const data = { ...glue.samples(16, 2), Targets: null };
        const config = { Epochs: 1, Seed: null, ValidationInputs: undefined };
        const result = await net.Train(data, config, null);
        net.dispose();
        return [new Set(saved).size, result.Steps, result.ValidationAccuracy];
    """)

    assert same == [1, 1, None]


def test_fields_are_read_in_any_case(session):
    steps = session.run("""
        const net = await loom.BuildNetworkFromJSON(glue.network(2, 2));
        const { Inputs: inputs, Labels: labels } = glue.samples(32, 2);
        const result = await net.train({ inputs, labels, batchSize: 8 }, { epochs: 2 });
        net.dispose();
        return result.Steps;
    """)

    assert steps == 8


def test_a_bundle_gives_objects_whatever_its_ids_are(session):
    sizes = session.run("""
        const small = await loom.BuildNetworkFromJSON(glue.network(2, 3));
        const large = await loom.BuildNetworkFromJSON(glue.network(4, 5));
        const models = await Promise.all([
            small.SaveModelToString("__proto__"), large.SaveModelToString("$object")]);
        const bundle = JSON.parse(models[0]);
        bundle.models.push(...JSON.parse(models[1]).models);
        const loaded = await loom.LoadBundleFromString(JSON.stringify(bundle));
        const own = await loaded.ListModels();
        const sizes = {};
        for (const id of own) {
            const net = await loaded.GetModel(id);
            sizes[`id ${id}`] = (await net.ForwardCPU(new Float32Array(4))).length;
            net.dispose();
        }
        for (const object of [small, large, loaded]) object.dispose();
        return { own, sizes };
    """)

    assert sizes["own"] == ["__proto__", "$object"]
    assert sizes["sizes"] == {"id __proto__": 6, "id $object": 5}


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("loom.ListModels()", "ListModels takes text"),
        ("loom.ListModels('{}', 1)", "ListModels takes text, options; got 2"),
        ("loom.ListModels('{}', {}, {})", "got 3"),
        ("loom.ListModels('{}', { signal: 5 })", "signal is no AbortSignal"),
        ("loom.ListModels(Promise.resolve('{}'))", "a Promise"),
        ("loom.ListModels(new Date())", "a Date"),
        ("loom.ListModels(Symbol('x'))", "a symbol"),
        ("loom.ListModels({ $object: 1 })", r"the key \$object"),
        ("loom.ListModels({ $callback: 0 })", r"the key \$callback"),
        ("loom.ListModels([new Float32Array(2), new DataView(new ArrayBuffer(2))])", "DataView"),
        ("(() => { const a = []; a.push(a); return loom.ListModels(a) })()", "holds itself"),
        ("loom.ListModels(5)", "text must be text, got 5"),
    ],
)
def test_wrong_arguments_are_refused(session, expression, message):
    error = session.failure(expression)

    assert error["isLoomError"]
    assert error["name"] == "LoomError"
    assert error["code"] == "call"
    assert re.search(message, error["message"])


def test_methods_belong_to_their_objects(session):
    codes = session.run("""
        const net = await loom.BuildNetworkFromJSON(glue.network(2, 2));
        const { TotalLayers } = net;
        const other = { TotalLayers };
        const alone = await glue.failure(() => TotalLayers());
        const foreign = await glue.failure(() => other.TotalLayers());
        net.dispose();
        net.dispose();
        const disposed = await glue.failure(() => net.TotalLayers());
        const argument = await glue.failure(() => loom.SaveBundle("x", { net }));
        return [alone, foreign, disposed, argument].map((error) => error.code);
    """)

    assert codes == ["call", "call", "disposed", "disposed"]


def test_using_disposes(session):
    counts = session.run("""
        const net = await loom.BuildNetworkFromJSON(glue.network(2, 2));
        const before = (await loom.memory()).liveHandles;
        net[Symbol.dispose]();
        return [before, (await loom.memory()).liveHandles];
    """)

    assert counts == [1, 0]
