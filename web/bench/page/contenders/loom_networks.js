/**
 * The workloads as networks of Loom: description, weights and data, in Loom's layouts.
 *
 * Two differences of meaning are met here. Loom's ReLU is `1.1 max(0, x)`: weights that follow one
 * are divided by 1.1, so that every net computes the same function at its start. (Losses after some
 * steps differ a little, because a divided weight learns 1.21 times as fast.) And Loom's convolution
 * pads both sides alike: with images, kernels and the cells of the dense layer turned by 180
 * degrees, padding on both sides gives what padding at the end only gives.
 */

import * as workloads from "../workloads.js";

/** @import { Weight } from "../workloads.js" */
/**
 * @typedef {object} LoomNetwork
 * @property {string} description for BuildNetworkFromJSON
 * @property {Record<string, Float32Array>[]} weights of each layer, by Loom's names
 * @property {Float32Array} x
 * @property {Float32Array} y
 * @property {number} batch
 * @property {number} rate
 * @property {"mse" | "cross_entropy"} loss
 */

const RELU_GAIN = 1.1;

/** @param {string} name W1 to W6 @returns {LoomNetwork} */
export function loomNetwork(name) {
  switch (name) {
    case "W1":
      return mlp(workloads.W1(), "tanh", "mse");
    case "W2":
      return mlp(workloads.W2());
    case "W3":
      return mlp(workloads.W3());
    case "W4":
      return cnn(workloads.W4("channels first"));
    case "W5":
      return attention(workloads.W5());
    case "W6":
      return lstm(workloads.W6());
  }
  throw new Error(`there is no workload ${name}`);
}

/**
 * @param {ReturnType<typeof workloads.W1> | ReturnType<typeof workloads.W2>} work
 * @param {"relu" | "tanh"} activation
 * @param {"mse" | "cross_entropy"} loss
 * @returns {LoomNetwork}
 */
export function mlp(work, activation = "relu", loss = "cross_entropy") {
  const last = work.sizes.length - 2;
  const layers = work.sizes.slice(1).map((size, i) => ({
    type: "dense",
    input_size: work.sizes[i],
    output_size: size,
    activation: i === last ? "linear" : activation,
  }));
  const weights = layers.map((_, i) => ({
    kernel: divided(work.weights[2 * i].data, i > 0 && activation === "relu" ? RELU_GAIN : 1),
    bias: work.weights[2 * i + 1].data,
  }));
  return network(work, layers, weights, loss);
}

/** @param {ReturnType<typeof workloads.W4>} work @returns {LoomNetwork} */
function cnn(work) {
  const [k1, b1, k2, b2, dense, bias] = work.weights.map((weight) => weight.data);
  const conv = { type: "conv2d", kernel_size: 3, padding: 1, activation: "relu" };
  const image = { input_height: 28, input_width: 28, input_channels: 1 };
  const layers = [
    { ...conv, ...image, filters: 8, stride: 1 },
    { ...conv, filters: 16, stride: 2 },
    { type: "dense", output_size: 10, activation: "linear" },
  ];
  const weights = [
    { kernel: turned(k1, 9, 1), bias: b1 },
    { kernel: divided(turned(k2, 9, 1), RELU_GAIN), bias: b2 },
    { kernel: divided(turned(dense, 14 * 14, 10), RELU_GAIN), bias },
  ];
  const x = turned(work.x, 28 * 28, 1);
  return network({ ...work, x }, layers, weights, "cross_entropy");
}

/** @param {ReturnType<typeof workloads.W5>} work @returns {LoomNetwork} */
function attention(work) {
  const { B, T, D, H, x } = work;
  const layer = { type: "multi_head_attention", num_heads: H, d_model: D, seq_length: T };
  const [query, key, value, output] = work.weights.map((weight) => weight.data);
  const given = { x, y: new Float32Array(x.length), batch: B, rate: 0 };
  const biases = ["query_bias", "key_bias", "value_bias", "output_bias"];
  const none = Object.fromEntries(biases.map((name) => [name, new Float32Array(D)]));
  return network(given, [layer], [{ query, key, value, output, ...none }], "mse");
}

/**
 * Only the last step of the LSTM counts; in a chain of layers that is a Dense with zeros for the
 * others (which then learn too).
 *
 * @param {ReturnType<typeof workloads.W6>} work
 * @returns {LoomNetwork}
 */
function lstm(work) {
  const { T, I, H, B } = work;
  const [input, recurrent, bias, dense, denseBias] = work.weights;
  const kernel = new Float32Array(T * H);
  kernel.set(dense.data, (T - 1) * H);
  const layers = [
    { type: "lstm", input_size: I, hidden_size: H, seq_length: T },
    { type: "dense", input_size: T * H, output_size: 1, activation: "linear" },
  ];
  /** @type {LoomNetwork["weights"]} */
  const weights = [
    { input: transposed(input), recurrent: transposed(recurrent), bias: bias.data },
    { kernel, bias: denseBias.data },
  ];
  return network({ ...work, batch: B }, layers, weights, "mse");
}

/**
 * @param {{ x: Float32Array, y: Float32Array, batch: number, rate: number }} data
 * @param {Record<string, unknown>[]} layers
 * @param {Record<string, Float32Array>[]} weights
 * @param {"mse" | "cross_entropy"} loss
 * @returns {LoomNetwork}
 */
function network({ x, y, batch, rate }, layers, weights, loss) {
  const all = loss === "cross_entropy" ? [...layers, { type: "softmax" }] : layers;
  return { description: JSON.stringify({ layers: all }), weights, x, y, batch, rate, loss };
}

/** @param {Float32Array} array @param {number} by */
const divided = (array, by) => array.map((number) => number / by);

/**
 * Turn pictures by 180 degrees: reverse the cells of each.
 *
 * @param {Float32Array} array
 * @param {number} cells of one picture
 * @param {number} width numbers of one cell
 */
function turned(array, cells, width) {
  const out = new Float32Array(array.length);
  for (let start = 0; start < array.length; start += cells * width)
    for (let cell = 0; cell < cells; cell++) {
      const from = start + cell * width;
      out.set(array.subarray(from, from + width), start + (cells - 1 - cell) * width);
    }
  return out;
}

/** @param {Weight} weight a matrix */
function transposed({ data, shape: [rows, columns] }) {
  return data.map((_, at) => data[(at % rows) * columns + Math.floor(at / rows)]);
}
