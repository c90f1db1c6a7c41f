"""Watching networks through the JavaScript API: records, iterators, functions, and fetch."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

START = """
    const { observe, observerEvents } = await import(arg.site + "loom/observers.js");
    const net = await loom.BuildNetworkFromJSON(glue.network(8, 16, 2));
    const data = glue.samples(64, 8);
    const config = { Epochs: 3, LearningRate: 0.1, LossType: "cross_entropy" };
"""


def test_a_recording_holds_what_the_layers_computed(session):
    result = session.run(
        START
        + """
        const recording = await loom.NewRecordingObserver("page");
        await net.SetObserver(recording);
        await net.ForwardCPU(data.Inputs);
        const history = await recording.GetHistory();
        const saved = JSON.parse(await recording.SaveToString());
        const blueprint = await net.GetBlueprint();
        const telemetry = await net.GetTelemetry();
        recording.dispose();
        net.dispose();
        return { history, saved, blueprint, telemetry,
                 isArray: history[0].OutputValues instanceof Float32Array };
        """
    )
    assert [stats["LayerIndex"] for stats in result["history"]] == [0, 1, 2]
    assert result["history"][0]["OutputShape"] == [64, 16]
    assert all(stats["ComputeTimeNs"] is not None for stats in result["history"][:2])
    assert result["isArray"]
    assert result["saved"]["total_events"] == 3
    assert result["blueprint"]["TotalParams"] == 8 * 16 + 16 + 16 * 2 + 2
    ranges = [(layer["ActivationMin"], layer["ActivationMax"]) for layer in
              result["telemetry"]["LayerStats"]]  # fmt: skip
    assert ranges == [(stats["OutputMin"], stats["OutputMax"]) for stats in result["history"]]


def test_events_come_out_of_an_async_iterator_while_a_training_runs(session):
    result = session.run(
        START
        + """
        const channel = await loom.NewChannelObserver(10000);
        await net.SetObserver(channel, 2);
        const training = net.Train(data, { ...config, Epochs: 200 });
        let done = false;
        training.finally(() => { done = true; });
        const kinds = {};
        let duringTraining = false;
        for await (const event of observerEvents(channel)) {
            kinds[event.Type] = (kinds[event.Type] ?? 0) + 1;
            if (!done) duringTraining = true;
            if (event.Type === "epoch_end" && event.Epoch === 200) await channel.Close();
        }
        const { Steps } = await training;
        const dropped = await channel.DroppedEvents();
        channel.dispose();
        net.dispose();
        return { kinds, Steps, dropped, duringTraining };
        """
    )
    steps = result["Steps"]
    assert result["dropped"] == 0
    assert result["kinds"]["batch_end"] == steps
    assert result["kinds"]["epoch_end"] == result["kinds"]["epoch_start"] == 200
    assert result["kinds"]["forward"] == result["kinds"]["backward"] == 3 * (-(-steps // 2))
    assert result["duringTraining"]


def test_functions_are_called_with_all_that_happens_before_the_stop(session):
    result = session.run(
        START
        + """
        const seen = { forward: 0, backward: 0, training: [] };
        const watch = await observe(loom, net, {
            onForward: () => { seen.forward++; },
            onBackward: () => { seen.backward++; },
            onTrainingEvent: (event) => { seen.training.push(event.Type); },
        }, { everyN: 1 });
        const { Steps } = await net.Train(data, config);
        await watch.stop();
        await net.ForwardCPU(data.Inputs);
        net.dispose();
        return { seen, Steps };
        """
    )
    assert result["seen"]["forward"] == result["seen"]["backward"] == 3 * result["Steps"]
    assert result["seen"]["training"][0] == "epoch_start"
    assert result["seen"]["training"].count("batch_end") == result["Steps"]
    assert result["seen"]["training"][-1] == "epoch_end"


def test_a_signal_ends_the_watching(session):
    seen = session.run(
        START
        + """
        const controller = new AbortController();
        const { signal } = controller;
        const seen = [];
        const onForward = (event) => {
            seen.push(event.LayerIdx);
            controller.abort();
        };
        const watch = await observe(loom, net, { onForward }, { signal });
        await net.ForwardCPU(data.Inputs);
        await watch.ended;
        const before = seen.length;
        await net.ForwardCPU(data.Inputs);
        net.dispose();
        return { before, after: seen.length };
        """
    )
    assert seen["after"] == seen["before"] > 0


def test_what_a_function_throws_ends_the_watching(session):
    error = session.run(
        START
        + """
        const watch = await observe(loom, net, { onForward() { throw new RangeError("enough"); } });
        const failed = glue.failure(() => watch.ended);
        await net.ForwardCPU(data.Inputs);
        const error = await failed;
        net.dispose();
        return error;
        """
    )
    assert (error["name"], error["message"]) == ("RangeError", "enough")


class Collector(BaseHTTPRequestHandler):
    """Takes events from a page of another origin."""

    def do_OPTIONS(self):
        self._answer()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.events.extend(json.loads(body))
        self._answer()

    def _answer(self):
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "content-type")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@contextmanager
def collecting():
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        server.events = []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_fetch_sends_events_beside_the_training(session):
    with collecting() as server:
        result = session.run(
            START
            + """
            const observer = await loom.NewHTTPObserver(arg.options);
            await net.SetObserver(observer, 4);
            const { Steps } = await net.Train(data, config);
            let status;
            do {
                await new Promise((resolve) => setTimeout(resolve, 1));
                status = await observer.GetStatus();
            } while (status.Waiting > 0);
            observer.dispose();
            net.dispose();
            return { status, Steps };
            """,
            f"http://127.0.0.1:{server.server_port}/events",
        )
    assert result["status"]["Failed"] == 0, result["status"]["LastError"]
    assert result["status"]["Dropped"] == 0
    assert result["status"]["Sent"] == len(server.events)
    kinds = [event["Type"] for event in server.events]
    assert kinds.count("batch_end") == result["Steps"]
    assert kinds.count("forward") == kinds.count("backward") > 0


def test_a_server_that_is_not_there_is_counted(session):
    with collecting() as server:
        port = server.server_port
    status = session.run(
        START
        + """
        const observer = await loom.NewHTTPObserver(arg.options);
        await net.SetObserver(observer);
        await net.ForwardCPU(data.Inputs);
        let status;
        do {
            await new Promise((resolve) => setTimeout(resolve, 1));
            status = await observer.GetStatus();
        } while (status.Waiting > 0);
        observer.dispose();
        net.dispose();
        return status;
        """,
        f"http://127.0.0.1:{port}/events",
    )
    assert (status["Sent"], status["Failed"]) == (0, 3)
    assert status["LastError"]
