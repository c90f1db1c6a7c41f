"""Training through the JavaScript API: progress, cancelling, pausing, and other calls meanwhile."""

import pytest
from glue import loaded_page

#: Ten thousand epochs of 64 samples: far longer than any test needs.
START = """
    const net = await loom.BuildNetworkFromJSON(glue.network(8, 16, 2));
    const data = glue.samples(64, 8);
    const config = { Epochs: 10000, LearningRate: 0.1, LossType: "cross_entropy" };
    config.ProgressInterval = 0;
    const started = glue.deferred();
"""


def test_a_network_learns_and_reports(session):
    result = session.run("""
        const net = await loom.BuildNetworkFromJSON(glue.network(8, 16, 2));
        const data = glue.samples(256, 8);
        const events = [];
        const result = await net.Train(data, {
            Epochs: 20, LearningRate: 0.5, LossType: "cross_entropy", ProgressInterval: 0,
            ValidationInputs: data.Inputs, ValidationLabels: data.Labels,
        }, (event) => events.push(event));
        const y = await net.ForwardCPU(data.Inputs.subarray(0, 8));
        const isFirst = [y[1] > y[0], data.Labels[0] === 1];
        const { EvalMetrics, ...rest } = result;
        const right = await EvalMetrics.CorrectCount();
        EvalMetrics.dispose();  // the metrics are an object of their own
        net.dispose();
        return { result: rest, events, isFirst, right };
    """)

    events = result["events"]
    assert result["result"]["FinalLoss"] < result["result"]["LossHistory"][0] / 2
    assert result["result"]["ValidationAccuracy"] > 0.95
    assert result["right"] == result["result"]["ValidationAccuracy"] * 256
    assert result["result"]["Stopped"] is False
    assert result["isFirst"][0] == result["isFirst"][1]
    assert len([e for e in events if e["Event"] == "epoch_end"]) == 20
    assert [e["Step"] for e in events] == sorted(e["Step"] for e in events)
    assert events[-1]["Step"] == result["result"]["Steps"] == 320


def test_a_signal_cancels_within_200_ms_and_the_network_lives_on(session):
    result = session.run(
        START
        + """
        const controller = new AbortController();
        const { signal } = controller;
        const training = net.Train(data, config, () => started.resolve(), { signal });
        await started.promise;
        const start = performance.now();
        controller.abort(new RangeError("enough"));
        const error = await glue.failure(() => training);
        const ms = performance.now() - start;
        const y = await net.ForwardCPU(data.Inputs.subarray(0, 8));
        const jobs = (await loom.memory()).liveJobs;
        const again = await net.Train(data, { Epochs: 1 });
        net.dispose();
        return { error, ms, sum: y[0] + y[1], jobs, steps: again.Steps };
        """
    )

    assert (result["error"]["name"], result["error"]["message"]) == ("RangeError", "enough")
    assert result["ms"] < 200
    assert result["sum"] == pytest.approx(1, abs=1e-5)
    assert result["jobs"] == 0
    assert result["steps"] == 4


def test_options_are_known_in_the_place_of_arguments_left_out(session):
    names = session.run(
        START
        + """
        const signal = AbortSignal.abort();
        const options = [[data, { signal }], [data, config, { signal }],
            [data, config, null, { signal }]];
        const names = [];
        for (const args of options) names.push((await glue.failure(() => net.Train(...args))).name);
        names.push((await glue.failure(() => net.TotalLayers({ signal }))).name);
        net.dispose();
        return names;
        """
    )

    assert names == ["AbortError"] * 4


def test_pause_resume_and_stop(session):
    result = session.run(
        START
        + """
        let steps = 0;
        const training = net.Train(data, config, (event) => {
            steps = event.Step;
            started.resolve();
        });
        await started.promise;
        await net.PauseTraining();
        await net.TotalLayers();  // what was on its way when the pause began has arrived
        const paused = steps;
        for (let i = 0; i < 20; i++) await net.ForwardCPU(data.Inputs);
        const held = steps === paused;
        const isTraining = await net.IsTraining();
        await net.ResumeTraining();
        while (steps < paused + 20) await new Promise((done) => setTimeout(done));
        await net.StopTraining();
        const result = await training;
        net.dispose();
        return { paused, held, isTraining, result };
        """
    )

    assert result["held"]
    assert result["isTraining"] is True
    assert result["result"]["Stopped"] is True
    assert result["result"]["Steps"] >= result["paused"] + 20


def test_a_paused_training_can_be_cancelled(session):
    name = session.run(
        START
        + """
        const controller = new AbortController();
        const { signal } = controller;
        const training = net.Train(data, config, () => started.resolve(), { signal });
        await started.promise;
        await net.PauseTraining();
        controller.abort();
        const { name } = await glue.failure(() => training);
        net.dispose();
        return name;
        """
    )

    assert name == "AbortError"


def test_predictions_are_served_while_a_training_runs(session):
    result = session.run(
        START
        + """
        let steps = 0;
        const training = net.Train(data, config, (event) => {
            steps = event.Step;
            started.resolve();
        });
        await started.promise;
        const from = steps;
        const waits = [];
        while (steps < from + 200) {
            const start = performance.now();
            await net.ForwardCPU(data.Inputs.subarray(0, 8));
            waits.push(performance.now() - start);
            await new Promise((done) => setTimeout(done));
        }
        await net.StopTraining();
        await training;
        net.dispose();
        return { count: waits.length, median: waits.sort((a, b) => a - b)[waits.length >> 1] };
        """
    )

    assert result["count"] > 2
    assert result["median"] < 100


def test_two_networks_train_at_the_same_time(session):
    overlap = session.run(
        START
        + """
        const other = await loom.BuildNetworkFromJSON(glue.network(8, 4, 2));
        const order = [];
        const settings = { Epochs: 200, ProgressInterval: 0 };
        await Promise.all([
            net.Train(data, settings, () => order.push(0)),
            other.Train(data, settings, () => order.push(1)),
        ]);
        net.dispose();
        other.dispose();
        return [order.indexOf(1) < order.lastIndexOf(0), order.indexOf(0) < order.lastIndexOf(1)];
        """
    )

    assert overlap == [True, True]


def test_an_error_in_the_progress_function_cancels_and_is_handed_on(session):
    result = session.run(
        START
        + """
        let calls = 0;
        const error = await glue.failure(() => net.Train(data, config, () => {
            calls++;
            throw new RangeError("mine");
        }));
        const after = { isTraining: await net.IsTraining(), calls };
        net.dispose();
        return { error, ...after };
        """
    )

    assert (result["error"]["name"], result["error"]["message"]) == ("RangeError", "mine")
    assert result["calls"] == 1
    assert result["isTraining"] is False


def test_the_progress_function_may_call_the_network(session):
    result = session.run(
        START
        + """
        let answer;
        const training = net.Train(data, config, () => {
            answer ??= Promise.resolve(net.ForwardCPU(data.Inputs.subarray(0, 8)))
                .then(async (y) => {
                    await net.StopTraining();
                    return y.length;
                });
        });
        const { Stopped } = await training;
        const length = await answer;
        net.dispose();
        return [Stopped, length];
        """
    )

    assert result == [True, 2]


def test_a_disposed_network_ends_its_training(session):
    result = session.run(
        START
        + """
        const training = net.Train(data, config, () => started.resolve());
        await started.promise;
        net.dispose();
        const { code } = await glue.failure(() => training);
        const memory = await loom.memory();
        return [code, memory.liveJobs, memory.liveHandles];
        """
    )

    assert result == ["disposed", 0, 0]


def test_a_network_can_train_once_at_a_time(session):
    code = session.run(
        START
        + """
        const training = net.Train(data, config, () => started.resolve());
        await started.promise;
        const { code } = await glue.failure(() => net.Train(data, config));
        await net.StopTraining();
        await training;
        net.dispose();
        return code;
        """
    )

    assert code == "busy"


def test_the_page_is_drawn_while_a_training_runs(session):
    median = session.run(
        START
        + """
        const training = net.Train(data, config, () => started.resolve());
        await started.promise;
        const frames = [];
        for (let i = 0, last = performance.now(); i < 30; i++) {
            await new Promise((done) => requestAnimationFrame(done));
            frames.push(performance.now() - last);
            last = performance.now();
        }
        await net.StopTraining();
        await training;
        net.dispose();
        return frames.sort((a, b) => a - b)[15];
        """
    )

    assert median < 50


@pytest.mark.parametrize("worker", [True, False], ids=["worker", "main-thread"])
def test_terminate_rejects_what_is_pending_and_what_comes_later(browser, site, worker):
    with loaded_page(browser, site, worker=worker) as page:
        codes = page.run(
            START
            + """
            const training = net.Train(data, config, () => started.resolve());
            await started.promise;
            loom.terminate();
            loom.terminate();
            net.dispose();
            const errors = [await glue.failure(() => training)];
            errors.push(await glue.failure(() => loom.BuildNetworkFromJSON("{}")));
            errors.push(await glue.failure(() => loom.memory()));
            return errors.map((error) => error.code);
            """
        )

    assert codes == ["terminated"] * 3
