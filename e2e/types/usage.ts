// How a TypeScript program uses the built library. It is compiled, not run: a line that should not
// compile is marked as such, and the compiler reports a mark that is not needed.
import { LoomError, loadLoom, version } from "../../dist/loom/index.js";
import type {
  FloatArray,
  Loom,
  ModelBundle,
  Network,
  NetworkOnMainThread,
  TrainingResult,
  TrainingResultOnMainThread,
} from "../../dist/loom/generated/api.js";

export async function inWorker(model: string): Promise<number> {
  const loom: Loom = await loadLoom({
    assetBase: new URL("https://example.org/loom/"),
    signal: AbortSignal.timeout(10_000),
    onProgress: ({ stage, message, loadedBytes, totalBytes }) => {
      const known: "manifest" | "download" | "python" | "core" | "ready" = stage;
      console.log(known, message, loadedBytes / totalBytes);
    },
  });
  using net: Network = await loom.LoadModelFromString(model, "m");
  const output: Float32Array = await net.ForwardCPU(new Float32Array(4));
  const same: Float32Array = await net.forwardCPU([1, 2, 3, 4], { signal: AbortSignal.abort() });
  const ids: string[] = await loom.listModels(model);
  const bundle: ModelBundle = await loom.LoadBundleFromString(model, "loom");
  for (const id of ids) (await bundle.GetModel(id)).dispose();
  const result: TrainingResult = await net.Train(
    { Inputs: output, Labels: new Uint8Array(1), BatchSize: 32 },
    { Epochs: 3, learningRate: 0.1, LossType: "cross_entropy", Seed: null },
    (event) => {
      const accuracy: number = event.ValidationAccuracy ?? 0;
      const kind: "batch_end" | "epoch_end" = event.Event;
      console.log(event.Epoch, accuracy, kind);
    },
    { signal: new AbortController().signal },
  );
  const { wasmBytes } = await loom.memory();
  loom.terminate();
  return result.FinalLoss + wasmBytes + same.length + version.length;
}

export async function onMainThread(x: FloatArray): Promise<void> {
  const loom = await loadLoom({ worker: false });
  const net: NetworkOnMainThread = loom.BuildNetworkFromJSON("{}");
  const output: Float32Array = net.ForwardCPU(x);
  const training: Promise<TrainingResultOnMainThread> = net.Train([{ Input: output, target: [1] }]);
  console.log(loom.memory().liveProxies, await training);
}

export async function stepped(net: Network): Promise<number[]> {
  const state = await net.InitStepState(2);
  await state.SetInput([0, 1]);
  const seconds: number = await net.StepForward(state);
  const gradient: Float32Array = await net.StepBackward(state, await state.GetOutput());
  const asked = await net.TrainWithStepping(
    { Optimizer: "adamw", OnStep: (step: number, rate: number) => console.log(step, rate) },
    async (step) => (step < 3 ? [new Float32Array(2), [1]] : null),
    10,
  );
  const records = await net.TrainWithStepping(null, () => ({ Input: gradient, Target: [1] }), 10);
  return [seconds, ...asked.LossHistory, records.TotalSteps];
}

export async function mistakes(loom: Loom, net: Network): Promise<void> {
  // @ts-expect-error: in a worker a call gives a promise
  const output: Float32Array = net.ForwardCPU([1]);
  // @ts-expect-error: text is no array of numbers
  await net.ForwardCPU("1, 2");
  // @ts-expect-error: no such method
  await net.Forward(output);
  // @ts-expect-error: the id is missing
  await loom.LoadModelFromString("{}");
  // @ts-expect-error: no such loss
  await net.Train({ Inputs: [1] }, { LossType: "hinge" });
  // @ts-expect-error: no such field
  await net.Train({ Inputs: [1] }, { Epoch: 1 });
  // @ts-expect-error: the inputs are missing
  await net.Train({ Labels: [1] });
  // @ts-expect-error: a data loader gives samples
  await net.TrainWithStepping(null, (step) => step, 10);
  // @ts-expect-error: no such optimizer
  await net.TrainWithStepping({ Optimizer: "adam" }, () => null, 10);
  // @ts-expect-error: the mode has to be known
  await loadLoom({ worker: Math.random() < 0.5 });
  // @ts-expect-error: no such option
  await loadLoom({ base: "x" });
}

export function explain(error: unknown): string {
  return error instanceof LoomError ? `${error.code}: ${error.message} ${error.hint}` : "";
}
