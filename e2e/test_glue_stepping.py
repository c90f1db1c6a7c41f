"""Gradients and step execution through the JavaScript API, with functions of the page."""

import pytest

START = """
    const layers = [
        { type: "dense", input_size: 2, output_size: 6, activation: "tanh" },
        { type: "dense", output_size: 1, activation: "sigmoid" },
    ];
    const net = await loom.BuildNetworkFromJSON(JSON.stringify({ seed: 1, layers }));
    const samples = [[[0, 0], [0]], [[0, 1], [1]], [[1, 0], [1]], [[1, 1], [0]]];
"""


def test_a_page_trains_by_its_own_loop(session):
    losses = session.run(
        START
        + """
        const optimizer = await loom.NewAdamWOptimizer(0.9, 0.999, 1e-8, 0);
        await net.SetOptimizer(optimizer);
        const losses = [];
        for (let round = 0; round < 300; round++) {
            let sum = 0;
            for (const [x, [t]] of samples) {
                const [y] = await net.ForwardCPU(new Float32Array(x));
                sum += (y - t) ** 2;
                await net.BackwardCPU([2 * (y - t)]);
            }
            await net.ApplyGradients(0.03);
            losses.push(sum / 4);
        }
        optimizer.dispose();
        net.dispose();
        return losses;
        """
    )
    assert losses[-1] < losses[0] / 4


def test_a_network_steps(session):
    found = session.run(
        START
        + """
        const state = await net.InitStepState(2);
        await state.SetInput([0.5, -0.5]);
        const ticks = await net.TotalLayers();
        for (let tick = 0; tick < ticks; tick++) await net.StepForward(state);
        const stepped = await state.GetOutput();
        const expected = await net.ForwardCPU([0.5, -0.5]);
        const data = (await state.GetLayerData()).map((layer) => layer.length);
        const gradient = await net.StepBackward(state, [1]);
        const count = await state.GetStepCount();
        state.dispose();
        net.dispose();
        const same = Math.abs(stepped[0] - expected[0]);
        return { same, data, size: gradient.length, count, ticks };
        """
    )
    assert found["same"] < 1e-6
    assert found["data"][0] == found["size"] == 2
    assert found["count"] == found["ticks"]


LOADERS = {
    "at once": "(step) => samples[step % 4]",
    "after a while": "async (step) => { await pause(); return samples[step % 4]; }",
    "as records": """(step) => {
        const [Input, Target] = samples[step % 4];
        return { Input: new Float32Array(Input), Target: new Float32Array(Target) };
    }""",
}


@pytest.mark.parametrize("form", LOADERS)
def test_a_data_loader_is_a_function_of_the_page(session, form):
    found = session.run(
        START
        + f"""
        const pause = () => new Promise((resolve) => setTimeout(resolve));
        const give = {LOADERS[form]};
        const asked = [], steps = [], saved = [];
        const config = {{
            Optimizer: "adamw", LearningRate: 0.02, LRSchedule: "cosine", CheckpointEvery: 8,
            OnStep: (step, rate, loss) => steps.push([step, rate, loss]),
            OnCheckpoint: (step, network) => {{
                saved.push(step);
                network.dispose();
            }},
        }};
        const loader = (step) => (asked.push(step), step < 16 ? give(step) : null);
        const result = await net.TrainWithStepping(config, loader, 100);
        net.dispose();
        return {{ result, asked, steps, saved }};
        """
    )
    assert found["asked"] == list(range(17))
    assert [step for step, _, _ in found["steps"]] == list(range(1, 17))
    assert found["saved"] == [8, 16]
    assert found["result"]["TotalSteps"] == 16
    assert found["result"]["FinalLoss"] == pytest.approx(
        sum(loss for _, _, loss in found["steps"]) / 16
    )


def test_what_a_data_loader_throws_ends_the_training(session):
    for loader in (
        "() => { throw new RangeError('no more'); }",
        "async () => { throw new RangeError('no more'); }",
    ):
        found = session.run(
            START
            + f"""
            const error = await glue.failure(() => net.TrainWithStepping({{}}, {loader}, 10));
            const training = await net.IsTraining();
            net.dispose();
            return {{ error, training }};
            """
        )
        assert (found["error"]["name"], found["error"]["message"]) == ("RangeError", "no more")
        assert found["training"] is False


def test_a_page_cancels_while_its_data_loader_is_at_work(session):
    found = session.run(
        START
        + """
        const controller = new AbortController();
        const asked = glue.deferred();
        const never = () => { asked.resolve(); return new Promise(() => {}); };
        const training = net.TrainWithStepping({}, never, 10, { signal: controller.signal });
        await asked.promise;
        controller.abort(new RangeError("enough"));
        const error = await glue.failure(() => training);
        const again = await net.TrainWithStepping({}, (step) => samples[step % 4], 5);
        net.dispose();
        return { error, steps: again.TotalSteps };
        """
    )
    assert found["error"]["message"] == "enough"
    assert found["steps"] == 5
