/** brain.js: plain JavaScript. It changes the weights after each sample; a step is a whole batch. */

import { versionOf } from "../packages.js";
import { W1, W2, W3 } from "../workloads.js";

/** @import { Contender, Task } from "../contender.js" */

/** @returns {Promise<Contender>} */
export async function startBrain() {
  const script = document.createElement("script");
  script.src = new URL("../packages/brain.js/browser.min.js", location.href).href;
  const loaded = new Promise((done, fail) => {
    script.addEventListener("load", done);
    script.addEventListener("error", () => fail(new Error("brain.js cannot be loaded")));
  });
  document.head.append(script);
  await loaded;
  const { brain } = /** @type {any} */ (window);

  const rows = (/** @type {Float32Array} */ data, /** @type {number} */ width) =>
    Array.from({ length: data.length / width }, (_, i) =>
      Array.from(data.subarray(i * width, (i + 1) * width)),
    );

  /** @param {string} name @returns {Task | undefined} */
  function workload(name) {
    const make = { W1, W2, W3 }[name];
    if (!make) return undefined;
    const work = make();
    const { sizes, rate } = work;
    const net = new brain.NeuralNetwork({
      inputSize: sizes[0],
      hiddenLayers: sizes.slice(1, -1),
      outputSize: sizes[sizes.length - 1],
      activation: name === "W1" ? "tanh" : "relu",
    });
    const inputs = rows(work.x, sizes[0]);
    const outputs = rows(work.y, sizes[sizes.length - 1]);
    const data = inputs.map((input, i) => ({ input, output: outputs[i] }));
    const options = { errorThresh: 1e-15, log: false, learningRate: rate };
    const train = (/** @type {number} */ k) => net.train(data, { iterations: k, ...options });
    train(1);
    /** @type {Task["series"]} */
    const series = { train };
    if (name === "W2") {
      for (const batch of [1, 32])
        series[`forward b${batch}`] = (k) => {
          for (let i = 0; i < k; i++) for (let j = 0; j < batch; j++) net.run(inputs[j]);
        };
    }
    return { series, notes: "weights of its own; an update after each sample; mean squared error" };
  }

  return { version: await versionOf("brain.js"), prepare: workload };
}
