// The examples of the package's documents on introspection and evaluation; the Python twin is
// tests/guides/test_seed_examples_package.py.

/** @import { Loom } from "../../dist/loom/generated/api.js" */
/** @import { Check } from "./shared/check.js" */

/** @param {Loom} loom */
async function classifier(loom) {
  const network = await loom.NewNetwork(6, 1, 1, 3);
  await network.SetLayer(0, 0, 0, await loom.InitDenseLayer(6, 8, "tanh"));
  await network.SetLayer(0, 0, 1, await loom.InitDenseLayer(8, 4, "linear"));
  await network.SetLayer(0, 0, 2, await loom.InitSoftmaxLayer());
  await network.InitializeWeights(3);
  const inputs = Float32Array.from({ length: 40 * 6 }, (_, i) => Math.sin(12.9898 * i));
  const expected = Uint8Array.from({ length: 40 }, (_, i) => (i * 7) % 4);
  return { network, inputs, expected };
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function wasmIntegration(loom, check) {
  const { network, inputs } = await classifier(loom);
  const methods = JSON.parse(await network.GetMethodsJSON());
  check.that(methods.length > 24, `${methods.length} methods`);
  /** @type {string[]} */
  const lines = methods.map(
    (/** @type {{ method_name: string, parameters: { type: string }[], returns: string[] }} */ m) =>
      `${m.method_name}(${m.parameters.map((p) => p.type).join(", ")}) -> ${m.returns.join(", ")}`,
  );
  check.that(lines.includes("ForwardCPU(float32array) -> float32array"), "ForwardCPU is there");
  if (await network.HasMethod("SaveModelToString")) {
    const modelJSON = await network.SaveModelToString("my_model");
    const loaded = await loom.LoadModelFromString(modelJSON, "my_model");
    const x = inputs.subarray(0, 6);
    check.equal(await loaded.ForwardCPU(x), await network.ForwardCPU(x));
  }
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function quickStartDuringTraining(loom, check) {
  const { network, inputs, expected } = await classifier(loom);
  const config = {
    Epochs: 10,
    LearningRate: 0.1,
    EvaluateEveryN: 1,
    ValidationInputs: inputs,
    ValidationTargets: expected,
  };
  const result = await network.Train({ Inputs: inputs, Labels: expected }, config);
  const metrics = result.EvalMetrics;
  if (metrics === null) throw new Error("nothing was evaluated");
  check.equal(await metrics.TotalSamples(), 40);
  check.equal(await metrics.Accuracy(), result.ValidationAccuracy);
  const own = await network.EvaluateNetwork(inputs, expected);
  check.near(await metrics.Score(), await own.Score());
  check.near(await metrics.AverageDeviation(), await own.AverageDeviation());
  check.equal(result.AccuracyHistory.length, 10);
  check.that((await metrics.PrintSummary()).includes("Quality Score"), "a summary");
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function sampleLevelTracking(loom, check) {
  const metrics = await loom.EvaluateModel([5, 3, 2, 4], [1, 7, 9, 4]);
  check.equal(await metrics.GetSamplesInBucket("0-10%"), [3]);
  const worst = await metrics.GetWorstSamples(3);
  check.equal(
    worst.map((r) => `#${r.SampleIndex}: ${r.ActualOutput} ${r.Deviation.toFixed(1)}%`),
    ["#2: 9 350.0%", "#1: 7 133.3%", "#0: 1 80.0%"],
  );
  await check.fails("spec", () => metrics.GetSamplesInBucket("Perfect"));
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function manualEvaluation(loom, check) {
  const { network, inputs, expected } = await classifier(loom);
  const metrics = await network.EvaluateNetwork(inputs, expected);
  const summary = await metrics.PrintSummary();
  check.that(summary.includes("Total Samples: 40"), summary);
  const buckets = Object.values(await metrics.Buckets());
  const samples = buckets.flatMap((bucket) => bucket.Samples).sort((a, b) => a - b);
  check.equal(
    samples,
    Array.from({ length: 40 }, (_, i) => i),
  );
  let right = 0;
  for (const [i, label] of expected.entries()) {
    const output = await network.ForwardCPU(inputs.subarray(6 * i, 6 * i + 6));
    right += Number(output.indexOf(Math.max(...output)) === label);
  }
  check.equal(await metrics.CorrectCount(), right);
  check.equal(await metrics.Accuracy(), right / 40);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function metricsPersistence(loom, check) {
  const { network, inputs, expected } = await classifier(loom);
  const metrics = await network.EvaluateNetwork(inputs, expected);
  const saved = await metrics.SaveMetricsToString();
  check.equal(JSON.parse(saved).total_samples, 40);
  const loaded = await loom.LoadMetricsFromString(saved);
  check.equal(await loaded.Results(), await metrics.Results());
  check.near(await loaded.Score(), await metrics.Score());
  await check.fails("model_format", () => loom.LoadMetricsFromString("{"));

  await metrics.SaveMetrics("evaluation.json"); // in the session's own file system
  const again = await loom.LoadMetrics("evaluation.json");
  check.equal(await again.TotalSamples(), 40);
  await network.SaveModel("model.json", "model_v1");
  const other = await loom.EvaluateFromCheckpointFiles("model.json", "model_v1", inputs, expected);
  check.equal(await other.Results(), await metrics.Results());
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function exampleOutput(loom, check) {
  const shares = [
    [105, 45],
    [115, 18],
    [125, 12],
    [135, 8],
    [145, 6],
    [180, 8],
    [250, 3],
  ];
  const found = shares.flatMap(([value = 0, count]) => Array(count).fill(value));
  const metrics = await loom.EvaluateModel(Array(100).fill(100), found);
  const lines = (await metrics.PrintSummary()).split("\n");
  check.that(lines.includes("Failures (>100% deviation): 3 (3.0%)"), lines.join("\n"));
  check.that(lines.includes("     0-10%:   45 samples (45.0%) ██████████████████████"), "a bar");
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function comparingWaysOfTraining(loom, check) {
  const slow = await loom.NewTrainingMetrics(1000, 91.5, 0.2, 12);
  const fast = await loom.NewTrainingMetrics(1000, 92, 0.1, 3);
  await fast.UpdateMilestone(55, 1.25);
  const milestones = await fast.Milestones();
  check.equal([milestones[50], milestones[60]], [1.25, null]);
  const methods = { NormalBP: slow, StepTweenChain: fast };
  const comparison = await loom.NewComparisonResult("Dense-3L", 3, methods);
  check.equal(await comparison.DetermineBest(), "TChain ✓");
  check.equal(JSON.parse(await comparison.ToJSON()).step_tween_chain.time_total, 3e9);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function helpersOfNumbers(loom, check) {
  const numbers = Float32Array.of(3, -1, 4);
  check.equal(
    [await loom.Min(numbers), await loom.Max(numbers), await loom.Mean(numbers)],
    [-1, 4, 2],
  );
  check.equal(await loom.MaxAbsDiff(numbers, [3, 1, 5]), 2);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function adaptingToAnotherTask(loom, check) {
  const comparison = await loom.NewAdaptationComparison();
  for (const [mode, right] of /** @type {[string, boolean][]} */ ([
    ["Step+BP", true],
    ["NormalBP", false],
  ])) {
    const tracker = await loom.NewAdaptationTracker(3600, 7200); // no test lasts so long
    await tracker.SetModelInfo("Dense-3L", mode);
    await tracker.ScheduleTaskChange(3600, 1, "avoid");
    await tracker.Start("chase", 0);
    check.equal(await tracker.RecordOutput(right), 0);
    check.equal(await tracker.GetCurrentTask(), 0);
    const result = await tracker.Finalize();
    const [window] = await result.Windows();
    check.equal([window?.Outputs, window?.Correct], [1, Number(right)]);
    check.equal((await result.TaskChanges()).length, 1);
    await comparison.AddResult(result);
  }
  const best = await comparison.GetBestByAvgAccuracy();
  check.equal(await best?.ModeName(), "Step+BP");
  check.equal(JSON.parse(await comparison.ToJSON()).results.length, 2);
}
