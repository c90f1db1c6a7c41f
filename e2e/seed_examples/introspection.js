// The examples of the guide to introspection and telemetry, one function a section; the Python twin
// is tests/guides/test_seed_examples_introspection.py.

import { networkOf, numbers } from "./shared/make.js";

/** @import { Loom } from "../../dist/loom/generated/api.js" */
/** @import { Check } from "./shared/check.js" */

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
