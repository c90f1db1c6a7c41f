/**
 * One contender in a frame of its own, so that libraries do not see each other's globals. The page
 * around it calls `start`, `prepare`, `warmUp` and `sample`; all frames share one thread, and never
 * run at the same time.
 */

import { sample, warmUp } from "./timing.js";

/** @import { Lengths, Run } from "./timing.js" */
/**
 * @typedef {object} Task a workload made ready
 * @property {Record<string, Run>} series what is timed
 * @property {number[]} [losses] before the first step and after five
 * @property {string} [notes] what is not as the others do it
 * @property {Record<string, number>} [flops] floating-point operations of a step, where they count
 * @property {Record<string, number>} [parts] how many steps a call of `run(1)` makes, where not 1
 * @property {() => void} [dispose]
 *
 * @typedef {object} Contender
 * @property {string} version
 * @property {(workload: string) => Task | Promise<Task | undefined> | undefined} prepare
 *   undefined: it has no such thing
 */

/** Where each contender is made; imported on demand. */
const STARTS = {
  "loom-simd": async () => (await import("./contenders/loom_bare.js")).startLoom("simd"),
  "loom-numpy": async () => (await import("./contenders/loom_bare.js")).startLoom("numpy"),
  "loom-api": async () => (await import("./contenders/loom_api.js")).startLoomApi(true),
  "loom-api-sync": async () => (await import("./contenders/loom_api.js")).startLoomApi(false),
  peak: async () => (await import("./contenders/peak.js")).startPeak(),
  "jax-js": async () => (await import("./contenders/jax.js")).startJax("wasm"),
  "jax-js-webgpu": async () => (await import("./contenders/jax.js")).startJax("webgpu"),
  "tfjs-wasm": async () => (await import("./contenders/tfjs.js")).startTfjs(),
  "ort-wasm": async () => (await import("./contenders/ort.js")).startOrt(),
  "ort119-train": async () => (await import("./contenders/ort_training.js")).startOrtTraining(),
  "loom-webgpu-api": async () =>
    (await import("./contenders/loom_api.js")).startLoomApi(true, "webgpu"),
  "loom-webgpu": async () => (await import("./contenders/loom_webgpu.js")).startLoomWebGpu(),
  "raw-webgpu": async () => (await import("./contenders/raw_webgpu.js")).startRawWebGpu(),
  "brain.js": async () => (await import("./contenders/brain.js")).startBrain(),
  "plain-js": async () => (await import("./contenders/plain.js")).startPlain(),
};

/** @type {Contender} */
let contender;
/** @type {Task | undefined} */
let task;

/** What the page around calls. */
const frame = {
  /** @param {keyof typeof STARTS} name @returns {Promise<string>} its version */
  async start(name) {
    contender = await STARTS[name]();
    return contender.version;
  },

  /**
   * @param {string} workload
   * @returns {Promise<{ series: string[], losses?: number[], notes?: string,
   *   flops?: Record<string, number>, parts?: Record<string, number> } | undefined>}
   */
  async prepare(workload) {
    task = await contender.prepare(workload);
    if (!task) return undefined;
    const { series, ...others } = task;
    delete others.dispose;
    return { series: Object.keys(series), ...others };
  },

  /** @param {string} series @param {Lengths} lengths */
  warmUp: (series, lengths) => warmUp(runOf(series), lengths),

  /** @param {string} series @param {number} steps */
  sample: (series, steps) => sample(runOf(series), steps),

  dispose() {
    task?.dispose?.();
    task = undefined;
  },
};

/** @param {string} series */
function runOf(series) {
  if (!task) throw new Error("no workload is prepared");
  return task.series[series];
}

/** @typedef {typeof frame} Frame */
Object.assign(window, { frame });
