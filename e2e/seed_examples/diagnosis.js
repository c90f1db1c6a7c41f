// The examples of the same guide's half on judging and mending a training, one function a section.

import { networkOf, numbers } from "./shared/make.js";

/** @import { LayerStats, Loom, Network } from "../../dist/loom/generated/api.js" */
/** @import { Check } from "./shared/check.js" */

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
