// What the tests of the glue share in the page; an init script, so it is no module.
window.glue = {
  /** Load a session into `window.loom` and return how the start-up went. */
  async load(options) {
    const stages = [];
    const onProgress = (progress) => stages.push(progress);
    window.loom = await window.loadLoom({ onProgress, ...options });
    return stages;
  },

  /** A promise that fails if it is not settled in time. */
  atMost(ms, promise) {
    const late = (_, reject) => setTimeout(() => reject(new Error(`still waiting, ${ms} ms`)), ms);
    return Promise.race([promise, new Promise(late)]);
  },

  /** What an action threw, as data; null if it did not throw. */
  async failure(action) {
    const start = performance.now();
    try {
      await action();
      return null;
    } catch (error) {
      const { name, code, message, hint } = error;
      const isLoomError = error instanceof window.LoomError;
      return { name, code, message, hint, isLoomError, ms: performance.now() - start };
    }
  },

  /** A network of the given sizes: dense layers, then a softmax. */
  network(...sizes) {
    const layers = sizes.slice(1).map((size, i) => ({
      type: "dense",
      input_size: sizes[i],
      output_size: size,
      activation: i + 2 < sizes.length ? "relu" : "linear",
    }));
    layers.push({ type: "softmax" });
    const grid = { batch_size: 1, grid_rows: 1, grid_cols: 1, layers_per_cell: layers.length };
    return JSON.stringify({ id: "net", ...grid, seed: 1, layers });
  },

  /** Samples of two classes that a line separates. */
  samples(count, width) {
    const Inputs = Float32Array.from({ length: count * width }, (_, i) => Math.sin(i * 12.9898));
    const Labels = Uint8Array.from({ length: count }, (_, i) => Number(Inputs[i * width] > 0));
    return { Inputs, Labels, BatchSize: 16 };
  },

  /** A promise with its two ends. */
  deferred() {
    let resolve;
    const promise = new Promise((done) => (resolve = done));
    return { promise, resolve };
  },
};
