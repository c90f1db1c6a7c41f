/** ONNX Runtime Web on wasm, one thread: inference only. Models are written in the page. */

import * as models from "../onnx_models.js";
import { product, PRODUCTS, W2, W4, W5, W6 } from "../workloads.js";

/** @import { Contender, Task } from "../contender.js" */

const CHAIN = 8;

/** @returns {Promise<Contender>} */
export async function startOrt() {
  const folder = new URL("../packages/onnxruntime-web/dist/", location.href).href;
  const ort = await import(`${folder}ort.wasm.min.mjs`);
  ort.env.wasm.wasmPaths = folder;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const session = (/** @type {Uint8Array} */ model) =>
    ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const tensor = (/** @type {Float32Array} */ data, /** @type {number[]} */ shape) =>
    new ort.Tensor("float32", data, shape);

  /** @param {any} loaded @param {Float32Array} x @param {number[]} shape */
  const once = async (loaded, x, shape) => (await loaded.run({ x: tensor(x, shape) })).y.data;

  /** @param {any} loaded @param {Float32Array} x @param {number[]} shape */
  const forward = (loaded, x, shape) => async (/** @type {number} */ k) => {
    for (let i = 0; i < k; i++) await once(loaded, x, shape);
  };

  /** @returns {Promise<Task>} */
  async function products() {
    /** @type {Task["series"]} */
    const series = {};
    /** @type {Record<string, number>} */
    const products = {};
    for (const { name, n, ...form } of PRODUCTS) {
      const loaded = await session(models.productChain(n, CHAIN, form));
      const work = product(n);
      const feeds = { a: tensor(work.a, [n, n]), c: tensor(work.c, [n, n]) };
      series[name] = async (k) => {
        for (let i = 0; i < k; i++) await loaded.run(feeds);
      };
      products[name] = CHAIN;
    }
    return { series, parts: products };
  }

  return {
    version: `${ort.env.versions.web}, wasm, one thread`,
    /** @returns {Promise<Task | undefined>} */
    async prepare(/** @type {string} */ name) {
      if (name === "W2") {
        const work = W2();
        const loaded = await session(models.mlp(work, "Relu", false));
        const series = {
          "forward b1": forward(loaded, work.x.slice(0, 784), [1, 784]),
          "forward b32": forward(loaded, work.x, work.xShape),
        };
        return { series };
      }
      if (name === "W4") {
        const work = W4("channels first");
        const loaded = await session(models.cnn(work, false));
        return { series: { "forward b32": forward(loaded, work.x, work.xShape) } };
      }
      if (name === "W5") {
        const work = W5();
        const loaded = await session(models.attention(work, false));
        const [loss] = await once(loaded, work.x, work.xShape);
        return { series: { "forward b8": forward(loaded, work.x, work.xShape) }, losses: [loss] };
      }
      if (name === "W6") {
        const work = W6();
        const loaded = await session(models.lstm(work));
        const y = Array.from(await once(loaded, work.x, work.xShape));
        const loss = y.reduce((sum, each, i) => sum + (each - work.y[i]) ** 2 / work.B, 0);
        return { series: { "forward b16": forward(loaded, work.x, work.xShape) }, losses: [loss] };
      }
      return name === "GEMM" ? products() : undefined;
    },
  };
}
