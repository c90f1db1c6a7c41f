/**
 * The last training build of ONNX Runtime Web (1.19), wasm, one thread. Its artifacts are made by
 * `web/bench/training_artifacts.py`; its optimizer is AdamW, because it cannot load those of SGD.
 */

import { versionOf } from "../packages.js";
import { W1, W2, W3, W4, W5, W6 } from "../workloads.js";

/** @import { Contender, Task } from "../contender.js" */

/** @returns {Promise<Contender>} */
export async function startOrtTraining() {
  const folder = new URL("../packages/onnxruntime-web-training/dist/", location.href).href;
  const artifacts = new URL("../artifacts/", location.href).href;
  if (!(await fetch(`${artifacts}W1/training_model.onnx`)).ok)
    throw new Error("there are no training artifacts; see web/bench/README.md");
  const ort = await import(`${folder}ort.training.wasm.min.mjs`);
  ort.env.wasm.wasmPaths = folder;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";

  const float = (/** @type {Float32Array} */ data, /** @type {number[]} */ shape) =>
    new ort.Tensor("float32", data, shape);
  const classes = (/** @type {Int32Array} */ labels) =>
    new ort.Tensor("int64", BigInt64Array.from(Array.from(labels, BigInt)), [labels.length]);
  const session = (/** @type {string} */ name) =>
    ort.TrainingSession.create(
      {
        checkpointState: `${artifacts}${name}/checkpoint`,
        trainModel: `${artifacts}${name}/training_model.onnx`,
        evalModel: `${artifacts}${name}/eval_model.onnx`,
        optimizerModel: `${artifacts}${name}/optimizer_model.onnx`,
      },
      { executionProviders: ["wasm"] },
    );
  const lossIn = (/** @type {Record<string, any>} */ outputs) =>
    Object.values(outputs).find((value) => value.size === 1).data[0];

  /** @param {string} name @param {Record<string, any>} feeds @returns {Promise<Task>} */
  async function training(name, feeds) {
    const loaded = await session(name);
    const train = async (/** @type {number} */ k) => {
      for (let i = 0; i < k; i++) {
        await loaded.runTrainStep(feeds);
        await loaded.runOptimizerStep();
        await loaded.lazyResetGrad();
      }
    };
    const losses = [lossIn(await loaded.runEvalStep(feeds))];
    return { series: { train }, losses, notes: "AdamW instead of SGD" };
  }

  /** @returns {Promise<Task>} */
  async function attention() {
    const work = W5();
    const loaded = await session("W5");
    const target = float(new Float32Array(work.x.length), [work.B * work.T, work.D]);
    const train = async (/** @type {number} */ k) => {
      for (let i = 0; i < k; i++) {
        await loaded.runTrainStep({ target });
        await loaded.lazyResetGrad();
      }
    };
    return { series: { train }, losses: [lossIn(await loaded.runEvalStep({ target }))] };
  }

  return {
    version: `${await versionOf("onnxruntime-web-training")}, wasm, one thread`,
    async prepare(name) {
      if (name === "W1" || name === "W6") {
        const work = name === "W1" ? W1() : W6();
        const feeds = { x: float(work.x, work.xShape), target: float(work.y, work.yShape) };
        return training(name, feeds);
      }
      const make = { W2, W3, W4: () => W4("channels first") }[name];
      if (make) {
        const work = make();
        return training(name, { x: float(work.x, work.xShape), labels: classes(work.labels) });
      }
      return name === "W5" ? attention() : undefined;
    },
  };
}
