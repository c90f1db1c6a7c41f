/** Loom's bare steps on WebGPU, queued inside Python: what the kernels cost. */

import { product, PRODUCTS } from "../workloads.js";
import { FORWARD } from "./loom_bare.js";
import { loomNetwork } from "./loom_networks.js";

/** @import { Contender, Task } from "../contender.js" */

const BACKEND = "webgpu";

/** @returns {Promise<Contender>} */
export async function startLoomWebGpu() {
  const base = new URL("../site/", location.href).href;
  const { startPyodide } = await import(`${base}loom/python.js`);
  const pyodide = await startPyodide(`${base}pyodide/`);
  for (const name of ["loom_steps.py", "loom_gpu_steps.py"])
    pyodide.FS.writeFile(name, await (await fetch(`contenders/${name}`)).text());
  const [steps, gpu] = ["loom_steps", "loom_gpu_steps"].map((name) => pyodide.pyimport(name));
  const backend = await gpu.gpu();

  /** @param {any} made @returns {(k: number) => Promise<void>} */
  const runOf = (made) => (k) => made.run(k);

  /** @param {string} name @returns {Promise<Task>} */
  async function workload(name) {
    const given = loomNetwork(name);
    const same = { W5: steps.attention_gradients, W6: steps.last_step_lstm }[name];
    const train = gpu.training((same ?? steps.training)(given, BACKEND));
    /** @type {Task["series"]} */
    const series = { train: runOf(train) };
    if (same)
      series["train (as Train does it)"] = runOf(gpu.training(steps.training(given, BACKEND)));
    for (const batch of FORWARD[/** @type {keyof typeof FORWARD} */ (name)] ?? []) {
      const forward = gpu.inference(steps.inference(given, BACKEND, batch));
      series[`forward b${batch}`] = runOf(forward);
    }
    const losses = [await train.loss()];
    await train.run(5);
    losses.push(await train.loss());
    return { series, losses };
  }

  /** @returns {Task} */
  function products() {
    /** @type {Task["series"]} */
    const series = {};
    for (const { name, n, transposeA, transposeB } of PRODUCTS) {
      const made = steps.product(product(n), transposeA, transposeB, BACKEND);
      series[name] = runOf(gpu.product(made));
    }
    return { series };
  }

  return {
    version: `Pyodide ${pyodide.version}, ${backend.device.name}, ${backend.variant} adapter`,
    prepare(name) {
      if (name === "GEMM") return products();
      return /^W/.test(name) ? workload(name) : undefined;
    },
  };
}
