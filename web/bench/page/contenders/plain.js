/**
 * No library: the loops of an MLP written by hand on typed arrays, which is what JavaScript itself
 * can do. Rows of activations, gradients and weights lie one after another; a weight matrix is
 * (inputs, outputs), so that the innermost loop runs along dense memory.
 */

import { W1, W2, W3 } from "../workloads.js";

/** @import { Contender, Task } from "../contender.js" */

/**
 * @typedef {object} Layer
 * @property {number} inputs
 * @property {number} outputs
 * @property {Float32Array} weights (inputs, outputs)
 * @property {Float32Array} bias
 * @property {Float32Array} y (batch, outputs)
 * @property {Float32Array} dy
 */

/**
 * @param {ReturnType<typeof W1> | ReturnType<typeof W2>} work
 * @param {"tanh" | "relu"} activation of all layers but the last
 */
function network(work, activation) {
  const { sizes, batch, x, y: target, rate } = work;
  /** @type {Layer[]} */
  const layers = sizes.slice(1).map((outputs, i) => ({
    inputs: sizes[i],
    outputs,
    weights: work.weights[2 * i].data.slice(),
    bias: work.weights[2 * i + 1].data.slice(),
    y: new Float32Array(batch * outputs),
    dy: new Float32Array(batch * outputs),
  }));
  const last = layers[layers.length - 1];

  /** @param {number} rows */
  function forward(rows) {
    /** @type {Float32Array} */
    let input = x;
    for (const layer of layers) {
      const { inputs, outputs, weights, bias, y } = layer;
      for (let row = 0; row < rows; row++) {
        const to = row * outputs;
        for (let j = 0; j < outputs; j++) y[to + j] = bias[j];
        for (let i = 0; i < inputs; i++) {
          const factor = input[row * inputs + i];
          for (let j = 0, at = i * outputs; j < outputs; j++) y[to + j] += factor * weights[at + j];
        }
        if (layer === last) continue;
        for (let j = to; j < to + outputs; j++)
          y[j] = activation === "tanh" ? Math.tanh(y[j]) : Math.max(0, y[j]);
      }
      input = y;
    }
  }

  /** Fill the last layer's gradient; return the loss. */
  const loss = () => (activation === "tanh" ? squaredError() : crossEntropy());

  function squaredError() {
    const { y, dy } = last;
    let sum = 0;
    for (let i = 0; i < y.length; i++) {
      const error = y[i] - target[i];
      dy[i] = (2 * error) / y.length;
      sum += error * error;
    }
    return sum / y.length;
  }

  function crossEntropy() {
    const { outputs, y, dy } = last;
    let sum = 0;
    for (let start = 0; start < y.length; start += outputs) {
      let most = -Infinity;
      for (let j = start; j < start + outputs; j++) most = Math.max(most, y[j]);
      let total = 0;
      for (let j = start; j < start + outputs; j++) total += Math.exp(y[j] - most);
      for (let j = start; j < start + outputs; j++) {
        dy[j] = (Math.exp(y[j] - most) / total - target[j]) / batch;
        sum -= target[j] * (y[j] - most - Math.log(total));
      }
    }
    return sum / batch;
  }

  function backward() {
    for (let number = layers.length - 1; number >= 0; number--) {
      const { inputs, outputs, weights, bias, dy } = layers[number];
      const below = layers[number - 1];
      const input = below ? below.y : x;
      if (below) inputGradient(layers[number], below);
      for (let row = 0; row < batch; row++) {
        const from = row * outputs;
        for (let j = 0; j < outputs; j++) bias[j] -= rate * dy[from + j];
        for (let i = 0; i < inputs; i++) {
          const factor = rate * input[row * inputs + i];
          for (let j = 0, at = i * outputs; j < outputs; j++)
            weights[at + j] -= factor * dy[from + j];
        }
      }
    }
  }

  /** @param {Layer} layer @param {Layer} below */
  function inputGradient({ inputs, outputs, weights, dy }, below) {
    for (let row = 0; row < batch; row++) {
      for (let i = 0; i < inputs; i++) {
        let sum = 0;
        for (let j = 0, at = i * outputs; j < outputs; j++)
          sum += dy[row * outputs + j] * weights[at + j];
        const y = below.y[row * inputs + i];
        below.dy[row * inputs + i] = sum * (activation === "tanh" ? 1 - y * y : y > 0 ? 1 : 0);
      }
    }
  }

  function step() {
    forward(batch);
    const before = loss();
    backward();
    return before;
  }

  return { forward, step };
}

/** @param {string} name @returns {Task | undefined} */
function prepare(name) {
  const make = { W1, W2, W3 }[name];
  if (!make) return undefined;
  const { forward, step } = network(make(), name === "W1" ? "tanh" : "relu");
  const losses = Array.from({ length: 6 }, step);
  const times = (/** @type {() => void} */ call) => (/** @type {number} */ k) => {
    for (let i = 0; i < k; i++) call();
  };
  /** @type {Task["series"]} */
  const series = { train: times(step) };
  if (name === "W2")
    for (const batch of [1, 32]) series[`forward b${batch}`] = times(() => forward(batch));
  return { series, losses: [losses[0], losses[5]] };
}

/** @returns {Contender} */
export const startPlain = () => ({ version: "written by hand", prepare });
