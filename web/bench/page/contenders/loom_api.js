/** Loom through its public JavaScript API, in a worker or on the page's own thread. */

import { FORWARD } from "./loom_bare.js";
import { loomNetwork } from "./loom_networks.js";

/** @import { Contender, Task } from "../contender.js" */

/** What `Train` does that the bare step and the peers do not. @type {Record<string, string>} */
const NOTES = {
  W5: "updates its weights too, by a rate of 0; the others stop at the gradients",
  W6: "its Dense layer sees all steps and learns from them, not the last one alone",
};

/**
 * @param {boolean} worker
 * @param {"simd" | "webgpu"} [backend]
 * @returns {Promise<Contender>}
 */
export async function startLoomApi(worker, backend = "simd") {
  const UseGPU = backend === "webgpu";
  const base = new URL("../site/", location.href).href;
  const { loadLoom } = await import(`${base}loom/index.js`);
  const loom = await loadLoom({ worker });

  /** @param {string} name @returns {Promise<Task>} */
  async function workload(name) {
    const given = loomNetwork(name);
    const net = await loom.BuildNetworkFromJSON(given.description);
    await (UseGPU ? net.InitGPU() : net.SetBackend("simd"));
    for (const [index, weights] of given.weights.entries()) {
      const layer = await net.GetLayer(0, 0, index);
      await layer.SetWeights(weights);
      layer.dispose();
    }
    const batches = [{ Input: given.x, Target: given.y }];
    const config = { LearningRate: given.rate, LossType: given.loss, UseGPU };
    /** @param {number} epochs */
    const train = (epochs) => net.Train(batches, { ...config, Epochs: epochs });
    // The loss of a step is that of the weights before it.
    const { LossHistory: losses } = await train(6);
    /** @type {Task["series"]} */
    const series = { train };
    series["train, a step a call"] = async (k) => {
      for (let i = 0; i < k; i++) await train(1);
    };
    for (const batch of FORWARD[/** @type {keyof typeof FORWARD} */ (name)] ?? []) {
      const x = given.x.slice(0, (given.x.length / given.batch) * batch);
      series[`forward b${batch}`] = async (k) => {
        for (let i = 0; i < k; i++) await (UseGPU ? net.ForwardGPU(x) : net.ForwardCPU(x));
      };
    }
    const notes = NOTES[name] ?? "";
    return { series, notes, losses: [losses[0], losses[5]], dispose: () => net.dispose() };
  }

  return {
    version: `loom_core ${loom.version}`,
    prepare: (name) => (/^W/.test(name) ? workload(name) : undefined),
  };
}
