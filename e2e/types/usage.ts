// How a TypeScript program uses the built library. It is compiled, not run: a line that should not
// compile is marked as such, and the compiler reports a mark that is not needed.
import { LoomError, loadLoom, version } from "../../dist/loom/index.js";
import { observe, observerEvents } from "../../dist/loom/observers.js";
import type {
  ActivatedOutputOnMainThread,
  ChannelObserverOnMainThread,
  FloatArray,
  LayerEvent,
  Loom,
  LoomOnMainThread,
  Memory,
  ModelBundle,
  ModelBundleOnMainThread,
  Network,
  NetworkOnMainThread,
  Session,
  SessionOnMainThread,
  SteppingTrainingConfigOnMainThread,
  TensorOnMainThread,
  Thread,
  TrainingConfigOnMainThread,
  TrainingEvent,
  TrainingResult,
  TrainingResultOnMainThread,
} from "../../dist/loom/index.js";

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

// Every kind of place where an object of a class may stand, on the main thread.
export async function objectsOnMainThread(loom: LoomOnMainThread): Promise<number> {
  const session: SessionOnMainThread = loom;
  const memory: Memory = session.memory();
  using net: NetworkOnMainThread = loom.loadModelFromString("{}", "m", "auto");
  const bundle: ModelBundleOnMainThread = loom.LoadBundleFromString("{}");
  net.SetLayer(0, 0, 0, bundle.getModel("m").GetLayer(0, 0, 0), { signal: AbortSignal.abort() });
  loom.SaveBundle("bundle.json", { a: net, b: bundle.GetModel("b") });
  const tensor: TensorOnMainThread = loom.NewTensorFromSlice([1, 2], [1, 2]);
  const kernel = loom.NewTensor([2, 2], "float64");
  const out: ActivatedOutputOnMainThread = loom.DenseForward(tensor, kernel, null, 2, 2, 1, "tanh");
  const post: Float32Array = out.PostActivation.clone().Data();
  const channel: ChannelObserverOnMainThread = loom.NewChannelObserver();
  net.SetObserver(channel);
  const listening: Promise<void> = channel.Listen((event: LayerEvent | TrainingEvent) => {
    console.log("Stats" in event ? event.Stats.LayerIndex : event.Epoch);
  });
  const config: TrainingConfigOnMainThread = {
    optimizer: net.GetOptimizer() ?? loom.NewSGDOptimizer(),
  };
  const stepping: SteppingTrainingConfigOnMainThread = {
    OnCheckpoint: (step: number, saved: NetworkOnMainThread) => {
      const text: string = saved.SaveModelToString(String(step));
      console.log(text);
    },
  };
  await net.TrainWithStepping(stepping, () => null, 10);
  const metrics = (await net.Train({ Inputs: post }, config)).EvalMetrics;
  await listening;
  return memory.liveHandles + (metrics?.AverageDeviation() ?? 0);
}

// What is written for both ways to load takes either.
export async function onEitherThread(
  loom: Loom,
  net: Network,
  here: LoomOnMainThread,
  netHere: NetworkOnMainThread,
): Promise<number> {
  const size = async (network: Network<Thread>): Promise<number> => network.TotalLayers();
  const watches = [
    await observe(loom, net, { onForward: ({ Stats }) => console.log(Stats.OutputMean) }),
    await observe(here, netHere, {}, { everyN: 2 }),
  ];
  for await (const event of observerEvents(here.NewChannelObserver())) console.log(event.Type);
  for await (const event of observerEvents(await loom.NewChannelObserver())) console.log(event);
  for (const watch of watches) await watch.stop();
  const session: Session = loom;
  return (await size(net)) + (await size(netHere)) + (await session.memory()).liveJobs;
}

export async function mixed(net: Network, here: NetworkOnMainThread, session: Session) {
  // @ts-expect-error: a network of the main thread is none of a worker
  const worker: Network = here;
  // @ts-expect-error: nor the other way round
  const main: NetworkOnMainThread = net;
  // @ts-expect-error: nor is a layer of one taken by the other
  here.SetLayer(0, 0, 0, await net.GetLayer(0, 0, 0));
  // @ts-expect-error: on the main thread a call gives no promise
  here.ForwardCPU([1]).then();
  // @ts-expect-error: but a training does
  console.log(here.Train({ Inputs: [1], Labels: [0] }).FinalLoss);
  // @ts-expect-error: in a worker a promise
  console.log(session.memory().liveJobs, worker, main);
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
  await net.TrainWithStepping({ Optimizer: "newton" }, () => null, 10);
  // @ts-expect-error: the mode has to be known
  await loadLoom({ worker: Math.random() < 0.5 });
  // @ts-expect-error: no such option
  await loadLoom({ base: "x" });
}

export function explain(error: unknown): string {
  return error instanceof LoomError ? `${error.code}: ${error.message} ${error.hint}` : "";
}
