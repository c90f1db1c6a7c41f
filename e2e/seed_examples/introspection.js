// The examples of the guide to introspection and telemetry, one function a section; the Python twin
// is tests/test_seed_examples_introspection.py.

/** @import { LayerStats, Loom, Network } from "../../dist/loom/generated/api.js" */
/** @import { Check } from "./check.js" */

/**
 * @param {Loom} loom
 * @param {number} inputSize
 * @param {[rows: number, cols: number, layersPerCell: number]} grid
 * @param {[size: number, activation: string][]} layers dense ones
 */
async function networkOf(loom, inputSize, [rows, cols, perCell], layers) {
  const network = await loom.NewNetwork(inputSize, rows, cols, perCell);
  let width = inputSize;
  for (const [index, [size, activation]] of layers.entries()) {
    const cell = Math.floor(index / perCell);
    const layer = await loom.InitDenseLayer(width, size, activation);
    await network.SetLayer(Math.floor(cell / cols), cell % cols, index % perCell, layer);
    width = size;
  }
  await network.InitializeWeights(3);
  return network;
}

/** @param {Loom} loom */
function twelveLayers(loom) {
  const sizes = [16, 12, 8, 8, 8, 8, 8, 8, 8, 8, 8, 6];
  return networkOf(
    loom,
    20,
    [2, 3, 2],
    sizes.map((size) => [size, "tanh"]),
  );
}

/** @param {number} length */
function numbers(length) {
  return Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * i));
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function discoveringMethods(loom, check) {
  const network = await twelveLayers(loom);
  const lines = (await network.GetMethods()).map((m) => {
    const types = m.Parameters.map((p) => p.Type).join(", ");
    return `${m.MethodName}(${types}) → ${m.Returns.join(", ")}`;
  });
  check.that(lines.includes("ForwardCPU(float32array) → float32array"), "ForwardCPU is listed");
  check.that(lines.includes("GetBlueprint() → NetworkBlueprint"), "GetBlueprint is listed");
  const names = await network.ListMethods();
  check.equal(names.length, lines.length);
  for (const name of names) check.that(name in network, `${name} can be called`);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function theMethodInfoStructure(loom, check) {
  const network = await twelveLayers(loom);
  const info = (await network.GetMethods()).find((m) => m.MethodName === "ForwardCPU");
  check.equal(
    info?.Parameters.map((p) => [p.Name, p.Type]),
    [["input", "float32array"]],
  );
  check.equal(info?.Returns, ["float32array"]);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function checkingForSpecificMethods(loom, check) {
  const network = await twelveLayers(loom);
  check.equal(await network.HasMethod("ForwardGPU"), true);
  check.equal(await network.HasMethod("MakeCoffee"), false);
  check.equal(await network.HasMethod("constructor"), false);
  const signature = await network.GetMethodSignature("Train");
  check.that(signature.startsWith("Train(batches: TrainingData | TrainingBatch[]"), signature);
  check.that(signature.endsWith(" -> TrainingResult"), signature);
  await check.fails("call", () => network.GetMethodSignature("MakeCoffee"));
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function jsonExport(loom, check) {
  const network = await twelveLayers(loom);
  const methods = JSON.parse(await network.GetMethodsJSON());
  check.equal(
    methods.map((/** @type {{ method_name: string }} */ m) => m.method_name),
    await network.ListMethods(),
  );
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function networkBlueprint(loom, check) {
  const network = await twelveLayers(loom);
  const blueprint = await network.GetBlueprint();
  check.equal([blueprint.GridRows, blueprint.GridCols, blueprint.LayersPerCell], [2, 3, 2]);
  check.equal(blueprint.TotalLayers, 12);
  check.equal(blueprint.TotalParams, await network.GetTotalParameters());
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function layerByLayerBreakdown(loom, check) {
  const network = await twelveLayers(loom);
  const lines = (await network.GetBlueprint()).Layers.map(
    (layer) =>
      `[${layer.Row},${layer.Col},${layer.Layer}] ${layer.Type}: ` +
      `${layer.InputSize} → ${layer.OutputSize} (${layer.NumParams} params)`,
  );
  check.equal(lines.slice(0, 3), [
    "[0,0,0] Dense: 20 → 16 (336 params)",
    "[0,0,1] Dense: 16 → 12 (204 params)",
    "[0,1,0] Dense: 12 → 8 (104 params)",
  ]);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function liveTelemetry(loom, check) {
  const network = await twelveLayers(loom);
  const output = await network.ForwardCPU(numbers(20));
  await network.BackwardCPU(output.map(() => 1));
  const telemetry = await network.GetTelemetry();
  check.that(telemetry.MemoryUsage >= (await network.GetMemoryUsage()), "weights are in memory");
  check.equal(telemetry.LayerStats.length, 12);
  for (const layer of telemetry.LayerStats) {
    const { Index, WeightNorm, GradientNorm, ActivationMin, ActivationMax } = layer;
    check.that(WeightNorm > 0 && (GradientNorm ?? 0) > 0, `layer ${Index} learns`);
    check.that((ActivationMin ?? 2) >= -1 && (ActivationMax ?? 2) <= 1, `tanh of layer ${Index}`);
  }
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function layerStats(loom, check) {
  const network = await twelveLayers(loom);
  const observer = await loom.NewRecordingObserver();
  await network.SetObserver(observer);
  const x = numbers(20);
  await network.ForwardCPU(x);
  const history = await observer.GetHistory();
  check.equal(
    history.map((stats) => stats.LayerIndex),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  );
  const [first] = history;
  check.equal(
    [first?.LayerType, first?.InputShape, first?.OutputShape],
    ["Dense", [1, 20], [1, 16]],
  );
  const y = (await network.Activations())[1] ?? [];
  check.near(first?.OutputMin ?? NaN, Math.min(...y));
  check.near(first?.OutputMax ?? NaN, Math.max(...y));
  check.near(first?.OutputMean ?? NaN, y.reduce((sum, value) => sum + value, 0) / y.length);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function consoleObserver(loom, check) {
  const network = await twelveLayers(loom);
  await network.SetObserver(await loom.NewConsoleObserver());
  check.equal((await network.ForwardCPU(numbers(20))).length, 6);
  await network.SetObserver(null);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function recordingObserver(loom, check) {
  const network = await twelveLayers(loom);
  const observer = await loom.NewRecordingObserver();
  await network.SetObserver(observer);
  for (let sample = 0; sample < 5; sample++) await network.ForwardCPU(numbers(20));
  const history = await observer.GetHistory();
  check.equal(history.length, 60);
  check.equal(
    history.filter((record) => record.OutputMax > 100).map((record) => record.LayerIndex),
    [],
  );
  check.equal(JSON.parse(await observer.SaveToString()).total_events, 60);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function channelObserver(loom, check) {
  const network = await twelveLayers(loom);
  const observer = await loom.NewChannelObserver(1000);
  await network.SetObserver(observer);
  /** @type {Map<number, number[]>} */
  const layerMeans = new Map();
  const listening = observer.Listen((event) => {
    if (!("Stats" in event)) return;
    const { LayerIndex, OutputMean } = event.Stats;
    layerMeans.set(LayerIndex, [...(layerMeans.get(LayerIndex) ?? []), OutputMean]);
  });
  for (let sample = 0; sample < 6; sample++) await network.ForwardCPU(numbers(20));
  await observer.Close();
  await listening;
  check.equal([...layerMeans.keys()], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  check.that(
    [...layerMeans.values()].every((means) => means.length === 6),
    "six runs each",
  );
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function httpObserver(loom, check) {
  const network = await twelveLayers(loom);
  const address = `${location.origin}/telemetry`;
  const observer = await loom.NewHTTPObserver(address, true);
  await network.SetObserver(observer);
  await network.ForwardCPU(numbers(20));
  await observer.Close();
  let status = await observer.GetStatus();
  while (status.Sent + status.Failed < 12) {
    await new Promise((done) => setTimeout(done)); // the requests are tasks of the event loop too
    status = await observer.GetStatus();
  }
  // The host of this page serves files only: it refuses what it is sent, and nothing is held up.
  check.equal([status.Failed, status.Waiting, status.Dropped], [12, 0, 0]);
  check.that(status.LastError !== "", "the refusal is told");
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function trainingEvents(loom, check) {
  const layers = /** @type {[number, string][]} */ ([
    [3, "tanh"],
    [1, "linear"],
  ]);
  const network = await networkOf(loom, 4, [1, 1, 2], layers);
  const observer = await loom.NewChannelObserver();
  await network.SetObserver(observer);
  /** @type {number[]} */
  const losses = [];
  /** @type {number[]} */
  const progress = [];
  const listening = observer.Listen((event) => {
    if ("Stats" in event) return;
    if (event.Type === "epoch_end") losses.push(event.Loss);
    if (event.Type === "batch_end") progress.push(event.Batch);
  });
  const batches = [1, 2, 3].map(() => ({ Input: numbers(8), Target: [1, 1] }));
  const result = await network.Train(batches, { Epochs: 4, LearningRate: 0.01 });
  await observer.Close();
  await listening;
  check.equal(losses, result.LossHistory);
  check.equal(progress, [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function deviationMetrics(loom, check) {
  const layers = /** @type {[number, string][]} */ ([[3, "tanh"]]);
  const network = await networkOf(loom, 4, [1, 1, 1], layers);
  const metrics = await loom.NewDeviationMetrics();
  const samples = Array.from({ length: 10 }, (_, i) => numbers(4 * (i + 1)).slice(4 * i));
  for (const sample of samples) {
    const output = await network.ForwardCPU(sample);
    await metrics.Update(output, output.indexOf(Math.max(...output)));
  }
  check.equal(await metrics.TotalSamples(), 10);
  check.equal(await metrics.Accuracy(), 1);
  const score = await metrics.Score();
  check.that(score >= 0 && score <= 100, `a score of ${score}`);
  await metrics.Reset();
  check.equal(await metrics.TotalSamples(), 0);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function theDeviationBuckets(loom, check) {
  const expected = new Float32Array(7).fill(100);
  const metrics = await loom.EvaluateModel(expected, [100, 115, 125, 135, 145, 175, 300]);
  const buckets = await metrics.Buckets();
  const counts = Object.entries(buckets).map(([name, bucket]) => [name, bucket.Count]);
  check.equal(counts, [
    ["0-10%", 1],
    ["10-20%", 1],
    ["20-30%", 1],
    ["30-40%", 1],
    ["40-50%", 1],
    ["50-100%", 1],
    ["100%+", 1],
  ]);
  check.near(await metrics.Score(), (100 + 85 + 75 + 65 + 55 + 25) / 7);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function whyThisMatters(loom, check) {
  const expected = new Float32Array(100).fill(100);
  const consistent = expected.map((value, i) => (i < 80 ? value : i < 95 ? 112 : 115));
  const unstable = expected.map((value, i) => (i < 80 ? value : i < 90 ? 160 : 350));
  const modelA = await loom.EvaluateModel(expected, consistent);
  const modelB = await loom.EvaluateModel(expected, unstable);
  check.equal([await modelA.Accuracy(), await modelB.Accuracy()], [0.8, 0.8]);
  check.that((await modelA.Score()) > 97, "the consistent one scores high");
  check.near(await modelB.Score(), 84);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function sampleLevelTracking(loom, check) {
  const metrics = await loom.NewDeviationMetrics();
  await metrics.Update([2], [2]);
  await metrics.Update([5], [2]);
  await metrics.Update([3], 4);
  const worst = await metrics.GetWorstSamples(2);
  check.equal(
    worst.map((s) => `Sample ${s.SampleIndex}: ${s.Deviation.toFixed(1)}% deviation`),
    ["Sample 1: 150.0% deviation", "Sample 2: 25.0% deviation"],
  );
  check.equal([worst[0]?.ExpectedOutput, worst[0]?.ActualOutput], [2, 5]);
}

/**
 * @param {Loom} loom
 * @param {Network} network
 * @param {Float32Array} input
 * @param {number} gradient
 * @returns {Promise<{ backward: LayerStats[], problems: string[] }>}
 */
async function watched(loom, network, input, gradient) {
  const observer = await loom.NewRecordingObserver();
  await network.SetObserver(observer);
  const output = await network.ForwardCPU(input);
  await network.BackwardCPU(output.map(() => gradient));
  const findings = await observer.Diagnose();
  const problems = findings.map((finding) => `${finding.Problem} ${finding.LayerIndex}`);
  return { backward: await observer.GetBackwardHistory(), problems };
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function vanishingGradients(loom, check) {
  const layers = Array.from({ length: 14 }, () => /** @type {[number, string]} */ ([8, "sigmoid"]));
  const network = await networkOf(loom, 8, [1, 1, 14], layers);
  const { backward, problems } = await watched(loom, network, numbers(8), 1e-3);
  const vanishing = backward.filter((record) => (record.GradientNorm ?? 1) < 1e-6);
  check.that(
    vanishing.some((record) => record.LayerIndex === 0),
    "little reaches the first layer",
  );
  check.that(problems.includes("vanishing_gradients 0"), problems.join());
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function explodingGradients(loom, check) {
  const layers = /** @type {[number, string][]} */ ([
    [8, "linear"],
    [8, "linear"],
  ]);
  const network = await networkOf(loom, 8, [1, 1, 2], layers);
  const { backward, problems } = await watched(loom, network, numbers(8), 1e5);
  check.equal(
    backward.filter((record) => (record.GradientNorm ?? 0) > 100).map((r) => r.LayerIndex),
    [1, 0],
  );
  check.that(problems.includes("exploding_gradients 0"), problems.join());
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function deadReLU(loom, check) {
  const layers = /** @type {[number, string][]} */ ([
    [10, "relu"],
    [2, "linear"],
  ]);
  const network = await networkOf(loom, 8, [1, 1, 2], layers);
  const observer = await loom.NewRecordingObserver();
  await network.SetObserver(observer);
  await network.ForwardCPU(numbers(8));
  const [record] = await observer.GetHistory();
  const values = [...(record?.OutputValues ?? [])];
  const zeros = values.filter((value) => value === 0).length;
  check.equal(values.length, 10);
  check.near(record?.ZeroShare ?? NaN, zeros / values.length);
  check.equal(record?.DeadNeurons, zeros);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function puttingItTogether(loom, check) {
  const network = await loom.NewNetwork(4, 1, 1, 3);
  await network.SetLayer(0, 0, 0, await loom.InitDenseLayer(4, 8, "tanh"));
  await network.SetLayer(0, 0, 1, await loom.InitDenseLayer(8, 2, "linear"));
  await network.SetLayer(0, 0, 2, await loom.InitSoftmaxLayer());
  await network.InitializeWeights(3);
  const observer = await loom.NewRecordingObserver("MyModel");
  await network.SetObserver(observer);
  const metrics = await loom.NewDeviationMetrics();
  const blueprint = await network.GetBlueprint();
  check.equal([blueprint.TotalLayers, blueprint.TotalParams], [3, 58]);

  const samples = Array.from({ length: 12 }, (_, i) => numbers(4 * (i + 1)).slice(4 * i));
  const targets = samples.map((x) => ((x[0] ?? 0) > 0 ? [1, 0] : [0, 1]));
  const scores = [];
  for (let epoch = 0; epoch < 12; epoch++) {
    for (const [i, sample] of samples.entries()) {
      const output = await network.ForwardCPU(sample);
      const { Loss, Grad } = await loom.CrossEntropyLossGrad(output, targets[i] ?? []);
      check.that(Loss >= 0, `a loss of ${Loss}`);
      await network.BackwardCPU(Grad);
      await network.ApplyGradients(0.2);
    }
    const history = await observer.GetBackwardHistory();
    const high = history.filter((record) => (record.GradientNorm ?? 0) > 50);
    check.equal(high.length, 0);
    await observer.Clear();
    for (const [i, sample] of samples.entries()) {
      await metrics.Update(await network.ForwardCPU(sample), targets[i] ?? []);
    }
    scores.push(await metrics.Score());
    await metrics.Reset();
  }
  check.that((scores.at(-1) ?? 0) > (scores[0] ?? 100), `scores ${scores}`);
  check.that((await network.GetTelemetry()).MemoryUsage > 0, "memory is in use");
  check.equal(JSON.parse(await observer.SaveToString()).model_id, "MyModel");
}
