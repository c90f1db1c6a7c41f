/** Loom inside Python, with one backend: what a step costs before anything crosses to JavaScript. */

import { classifier, product, PRODUCTS } from "../workloads.js";
import { loomNetwork, mlp } from "./loom_networks.js";

/** @import { Contender, Task } from "../contender.js" */

/** Batch sizes of the forward passes that are timed. */
export const FORWARD = { W2: [1, 32], W4: [32], W5: [8], W6: [16] };
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
const WIDTHS = [8, 16, 32, 64, 128, 256, 512, 1024, 2048];

/**
 * @param {"simd" | "numpy"} backend
 * @returns {Promise<Contender>}
 */
export async function startLoom(backend) {
  const base = new URL("../site/", location.href).href;
  const { startPyodide } = await import(`${base}loom/python.js`);
  const pyodide = await startPyodide(`${base}pyodide/`);
  const source = await (await fetch("contenders/loom_steps.py")).text();
  pyodide.FS.writeFile("loom_steps.py", source);
  const steps = pyodide.pyimport("loom_steps");
  const [variant, versions] = pyodide
    .runPython(
      `
import platform, numpy, loom_core
from loom_core.backends.choice import choose
backend = choose("${backend}").backend
[getattr(backend, "variant", ""), f"Python {platform.python_version()}, NumPy {numpy.__version__}"]
`,
    )
    .toJs();

  /** @param {any} made @returns {(k: number) => void} */
  const runOf = (made) => (k) => made.run(k);

  /** @param {string} name @returns {Task} */
  function workload(name) {
    const given = loomNetwork(name);
    const chain = steps.training(given, backend);
    const same = { W5: steps.attention_gradients, W6: steps.last_step_lstm }[name];
    const train = same ? same(given, backend) : chain;
    /** @type {Task["series"]} */
    const series = { train: runOf(train) };
    if (same) series["train (as Train does it)"] = runOf(chain);
    for (const batch of FORWARD[/** @type {keyof typeof FORWARD} */ (name)] ?? [])
      series[`forward b${batch}`] = runOf(steps.inference(given, backend, batch));
    const losses = [train.loss()];
    train.run(5);
    losses.push(train.loss());
    return { series, losses, notes: fallbackNote(train) };
  }

  /** @param {any} made */
  function fallbackNote(made) {
    const ops = Object.keys(made.fallbacks().toJs({ dict_converter: Object.fromEntries }));
    return backend === "simd" && ops.length ? `runs by NumPy: ${ops.join(", ")}` : "";
  }

  /** @returns {Task} */
  function products() {
    /** @type {Task["series"]} */
    const series = {};
    for (const { name, n, transposeA, transposeB } of PRODUCTS)
      if (backend === "simd" || n < 1024)
        series[name] = runOf(steps.product(product(n), transposeA, transposeB, backend));
    return { series };
  }

  /** @returns {Task} */
  function shapes() {
    /** @type {Task["series"]} */
    const series = {};
    for (const batch of BATCHES)
      series[`batch ${batch}`] = trainingOf(classifier([784, 128, 10], batch, 20));
    for (const width of WIDTHS)
      series[`width ${width}`] = trainingOf(classifier([width, width, 10], 32, 20));
    return { series };
  }

  /** @param {ReturnType<typeof classifier>} work */
  const trainingOf = (work) => runOf(steps.training(mlp(work), backend));

  return {
    version: `Pyodide ${pyodide.version}, ${versions}${variant ? `, ${variant}` : ""}`,
    prepare(name) {
      if (name === "GEMM") return products();
      if (name === "shapes") return backend === "simd" ? shapes() : undefined;
      return workload(name);
    },
  };
}
