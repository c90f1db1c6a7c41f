"""Optimizers, schedulers, clipping and resuming through the JavaScript API."""

import pytest
from glue import loaded_page

START = """
    const net = await loom.BuildNetworkFromJSON(glue.network(8, 16, 2));
    const data = glue.samples(64, 8);
    const base = { LossType: "cross_entropy", ProgressInterval: 0 };
    const rates = [];
    const note = (event) => {
        if (event.Event === "batch_end") rates.push(event.LearningRate);
    };
"""


@pytest.fixture(scope="module")
def session(browser, site):
    with loaded_page(browser, site, worker=True) as page:
        yield page
        assert page.run("return (await loom.memory()).liveJobs") == 0
        assert page.run("return (await loom.memory()).liveHandles") == 0


def test_settings_by_name_and_as_data(session):
    result = session.run(
        START
        + """
        const config = {
            ...base, Epochs: 30, LearningRate: 0.02, GradientClip: 1,
            Optimizer: { Type: "adamw", WeightDecay: 0 },
            Scheduler: { Type: "cosine", WarmupSteps: 10 },
        };
        let norm = 0;
        const result = await net.Train(data, config, (event) => {
            note(event);
            norm = event.GradientNorm;
        });
        const wrong = await glue.failure(() => net.Train(data, { Optimizer: "guesswork" }));
        net.dispose();
        return { result, rates, norm, wrong };
        """
    )

    history = result["result"]["LossHistory"]
    assert history[-1] < history[0] / 4
    assert len(result["rates"]) == result["result"]["Steps"] == 120
    assert result["rates"][0] == 0
    assert result["rates"][10] == pytest.approx(0.02)
    assert result["rates"] == sorted(result["rates"][:11]) + sorted(result["rates"][11:])[::-1]
    assert result["norm"] > 0
    assert result["wrong"]["code"] == "spec"
    assert "no optimizer 'guesswork'" in result["wrong"]["message"]


def test_optimizers_made_of_ops_run_by_the_kernels(session):
    result = session.run(
        START
        + """
        const lion = await loom.NewLionOptimizer(0.9, 0.99, 0.1);
        const runs = [];
        for (const [Optimizer, LearningRate] of [["adam", 0.02], [lion, 0.005]]) {
            net.InitializeWeights();
            const config = { ...base, Epochs: 30, LearningRate, Optimizer };
            const { LossHistory } = await net.Train(data, config);
            runs.push([LossHistory[0], LossHistory.at(-1), await net.GetBackendReport()]);
        }
        net.dispose();
        lion.dispose();
        return runs;
        """
    )

    for first, last, report in result:
        assert last < first / 2
        assert (report["Used"], report["Fallbacks"]) == ("simd", {})


def test_objects_keep_their_state(session):
    result = session.run(
        START
        + """
        const optimizer = await loom.NewSGDOptimizerWithMomentum(0.9, 0, true);
        const after = await loom.NewLinearDecayScheduler(0.1, 0.02, 4);
        const scheduler = await loom.NewWarmupScheduler(2, 0, 0.1, after);
        const config = { ...base, Epochs: 2, Optimizer: optimizer, Scheduler: scheduler };
        await net.Train(data, config, note);
        const state = JSON.parse(JSON.stringify(await optimizer.GetState()));
        const fresh = await loom.NewSGDOptimizer();
        await fresh.LoadState(state);
        const same = JSON.stringify(await fresh.GetState()) === JSON.stringify(state);
        const names = [await fresh.Name(), await scheduler.Name()];
        await fresh.Reset();
        const reset = (await fresh.GetState()).step;
        for (const object of [net, optimizer, after, scheduler, fresh]) object.dispose();
        return { rates, step: state.step, same, names, reset };
        """
    )

    assert result["rates"] == pytest.approx([0, 0.05, 0.1, 0.08, 0.06, 0.04, 0.02, 0.02])
    assert (result["step"], result["reset"]) == (8, 0)
    assert result["same"]
    assert result["names"] == ["SGD (Nesterov momentum)", "Warmup+LinearDecay"]


def test_a_training_resumed_from_text_equals_one_without_a_break(session):
    result = session.run(
        START
        + """
        const settings = { ...base, Optimizer: "adamw" };
        settings.Scheduler = { Type: "cosine", TotalSteps: 40 };
        const straight = await net.Train(data, { ...settings, Epochs: 10 });
        const begun = await loom.BuildNetworkFromJSON(glue.network(8, 16, 2));
        await begun.Train(data, { ...settings, Epochs: 5 });
        const text = await begun.SaveTrainingState();
        const other = await loom.BuildNetworkFromJSON(glue.network(8, 16, 2));
        const resumed = await other.Train(data, { ...base, Epochs: 10, ResumeFrom: text });
        const x = data.Inputs.subarray(0, 80);
        const outputs = [await net.ForwardCPU(x), await other.ForwardCPU(x)];
        const bad = await glue.failure(() => other.Train(data, { ResumeFrom: text.slice(0, 99) }));
        for (const object of [net, begun, other]) object.dispose();
        return {
            histories: [straight.LossHistory, resumed.LossHistory],
            outputs: outputs.map((y) => [...y]),
            bad,
        };
        """
    )

    assert result["histories"][0] == result["histories"][1]
    assert len(result["histories"][0]) == 10
    assert result["outputs"][0] == result["outputs"][1]
    assert result["bad"]["code"] == "model_format"


def test_gradients_by_hand_and_the_loss_of_the_documents(session):
    result = session.run(
        START
        + """
        const optimizer = await loom.NewAdamWOptimizerDefault();
        const target = Float32Array.from({ length: 128 }, (_, i) => {
            return (i % 2) === data.Labels[i >> 1] ? 1 : 0;
        });
        const losses = [];
        for (let step = 0; step < 40; step++) {
            const output = await net.ForwardCPU(data.Inputs);
            const { Loss, Grad } = await loom.CrossEntropyLossGrad(output, target);
            losses.push(Loss / 64);
            await net.BackwardCPU(Grad.map((g) => g / 64));
            await optimizer.Step(net, 0.02);
        }
        net.dispose();
        optimizer.dispose();
        return losses;
        """
    )

    assert result[-1] < result[0] / 2
