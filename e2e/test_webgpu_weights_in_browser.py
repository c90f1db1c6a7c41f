"""In Chromium: who reads the weights of a training on the GPU gets the present ones, or is told."""

import pytest
from glue import loaded_page
from gpu_page import LONGEST_MS, MLP, UNDER_WAY, assert_close

END = """
    await net.ReleaseGPU();
    net.dispose();
"""


@pytest.mark.parametrize("reader", ["SaveModelToString", "GetLayer", "ForwardCPU"])
def test_a_worker_waits_for_the_weights_of_a_training(gpu_browser, site, reader):
    with loaded_page(gpu_browser, site, worker=True) as page:
        page.longest_ms = LONGEST_MS
        result = page.run(
            UNDER_WAY
            + f"const reader = '{reader}';"
            + """
            const readers = {
                SaveModelToString: async () => {
                    const twin = await loom.LoadModelFromString(
                        await net.SaveModelToString("m"), "m");
                    const y = [...await twin.ForwardCPU(x)];
                    twin.dispose();
                    return y;
                },
                GetLayer: async () => {
                    const layer = await net.GetLayer(0, 0, 0);
                    const weights = Object.values(await layer.GetWeights());
                    layer.dispose();
                    return weights.flatMap((array) => [...array]);
                },
                ForwardCPU: async () => [...await net.ForwardCPU(x)],
            };
            const first = await readers[reader]();
            await new Promise((resolve) => setTimeout(resolve, 0));
            const busy = await net.IsTraining();
            const again = await readers[reader]();
            await net.PauseTraining();
            let state = null;
            while (state === null) state = await net.SaveTrainingState().catch(() => null);
            const paused = await readers[reader]();
            const same = await readers[reader]();
            await net.StopTraining();
            const trained = await training;
            const [gpu, cpu] = [[...await net.ForwardGPU(x)], [...await net.ForwardCPU(x)]];
            """
            + END
            + "return { before, first, again, paused, same, busy, gpu, cpu };",
            MLP,
        )
        assert page.run("return (await loom.memory()).liveJobs") == 0
    assert result["busy"] is True
    assert result["first"] != result["before"]
    assert result["again"] != result["first"]
    assert result["paused"] == result["same"]
    assert_close(result["gpu"], result["cpu"])


def test_the_page_s_own_thread_refuses_where_it_cannot_wait(gpu_browser, site):
    with loaded_page(gpu_browser, site, worker=False) as page:
        page.longest_ms = LONGEST_MS
        result = page.run(
            UNDER_WAY
            + """
            const calls = [
                () => net.SaveModelToString("m"), () => net.GetLayer(0, 0, 0),
                () => net.ForwardCPU(x), () => net.GetTelemetry(), () => net.SaveTrainingState(),
            ];
            const errors = [];
            for (const call of calls) errors.push(await glue.failure(async () => call()));
            net.PauseTraining();
            let paused = null;
            while (paused === null) {
                await new Promise((resolve) => setTimeout(resolve, 0));
                try { paused = [...net.ForwardCPU(x)]; } catch (error) {
                    if (error.code !== "busy") throw error;
                }
            }
            net.StopTraining();
            await training;
            const [gpu, cpu] = [[...await net.ForwardGPU(x)], [...net.ForwardCPU(x)]];
            """
            + END
            + "return { errors, before, paused, gpu, cpu };",
            MLP,
        )
    assert [error["code"] for error in result["errors"]] == ["busy"] * 5
    assert all("on the GPU" in error["message"] for error in result["errors"])
    assert all("Pause" in error["hint"] for error in result["errors"])
    assert result["paused"] != result["before"]
    assert_close(result["gpu"], result["cpu"])
