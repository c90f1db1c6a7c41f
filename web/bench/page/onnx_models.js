/**
 * The workloads as ONNX models. With a softmax or a loss at their end they are for inference; up to
 * `scores` they are what training artifacts are made of.
 */

import { int64, onnxModel } from "./onnx_writer.js";

/** @import { Weight } from "./workloads.js" */
/** @import { Model, Node } from "./onnx_writer.js" */

const SCORES = "scores";

/** @param {Record<string, Weight>} named @returns {NonNullable<Model["constants"]>} */
const constantsOf = (named) =>
  Object.fromEntries(Object.entries(named).map(([name, { shape, data }]) => [name, [shape, data]]));

/** @param {Weight[]} weights */
const numbered = (weights) =>
  constantsOf(Object.fromEntries(weights.map((weight, i) => [`w${i}`, weight])));

/**
 * @param {{ sizes: number[], weights: Weight[] }} work
 * @param {"Relu" | "Tanh"} activation
 * @param {boolean} training
 */
export function mlp({ sizes, weights }, activation, training) {
  /** @type {Node[]} */
  const nodes = [];
  const last = sizes.length - 2;
  let x = "x";
  for (let i = 0; i <= last; i++) {
    const sum = i === last ? SCORES : `sum${i}`;
    nodes.push({ op: "Gemm", in: [x, `w${2 * i}`, `w${2 * i + 1}`], out: [sum] });
    if (i < last) nodes.push({ op: activation, in: [sum], out: [`h${i}`] });
    x = `h${i}`;
  }
  return finished(nodes, weights, [sizes[0]], sizes[last + 1], training);
}

/** @param {{ weights: Weight[] }} work channels first @param {boolean} training */
export function cnn({ weights }, training) {
  const kernel = { op: "Conv", kernel_shape: [3, 3] };
  const nodes = [
    { ...kernel, in: ["x", "w0", "w1"], out: ["c0"], pads: [1, 1, 1, 1] },
    { op: "Relu", in: ["c0"], out: ["r0"] },
    { ...kernel, in: ["r0", "w2", "w3"], out: ["c1"], pads: [0, 0, 1, 1], strides: [2, 2] },
    { op: "Relu", in: ["c1"], out: ["r1"] },
    { op: "Flatten", in: ["r1"], out: ["flat"] },
    { op: "Gemm", in: ["flat", "w4", "w5"], out: [SCORES] },
  ];
  return finished(nodes, weights, [1, 28, 28], 10, training);
}

/**
 * @param {Node[]} nodes
 * @param {Weight[]} weights
 * @param {number[]} sample
 * @param {number} classes
 * @param {boolean} training
 */
function finished(nodes, weights, sample, classes, training) {
  const out = training ? SCORES : "y";
  if (!training) nodes.push({ op: "Softmax", in: [SCORES], out: ["y"], axis: -1 });
  const inputs = { x: ["N", ...sample] };
  return onnxModel({
    nodes,
    constants: numbered(weights),
    inputs,
    outputs: { [out]: ["N", classes] },
  });
}

/**
 * @param {ReturnType<typeof import("./workloads.js").W5>} work
 * @param {boolean} training x is a weight too, so that its gradient is computed
 */
export function attention({ B, T, D, H, head, weights, x }, training) {
  /** @type {NonNullable<Model["constants"]>} */
  const constants = {
    ...numbered(weights),
    heads: int64(B, T, H, head),
    rows: int64(B * T, D),
    scale: [[], Float32Array.of(1 / Math.sqrt(head))],
  };
  /** @type {Node[]} */
  const nodes = [{ op: "Reshape", in: ["x", "rows"], out: ["x2"] }];
  const axes = [
    [0, 2, 1, 3],
    [0, 2, 3, 1],
    [0, 2, 1, 3],
  ];
  axes.forEach((perm, i) => {
    nodes.push({ op: "MatMul", in: ["x2", `w${i}`], out: [`m${i}`] });
    nodes.push({ op: "Reshape", in: [`m${i}`, "heads"], out: [`r${i}`] });
    nodes.push({ op: "Transpose", in: [`r${i}`], out: [`t${i}`], perm });
  });
  nodes.push(
    { op: "MatMul", in: ["t0", "t1"], out: ["s0"] },
    { op: "Mul", in: ["s0", "scale"], out: ["s1"] },
    { op: "Softmax", in: ["s1"], out: ["p"], axis: -1 },
    { op: "MatMul", in: ["p", "t2"], out: ["o0"] },
    { op: "Transpose", in: ["o0"], out: ["o1"], perm: [0, 2, 1, 3] },
    { op: "Reshape", in: ["o1", "rows"], out: ["o2"] },
    { op: "MatMul", in: ["o2", "w3"], out: [SCORES] },
  );
  if (training) {
    constants.x = [[B, T, D], x];
    return onnxModel({ nodes, constants, inputs: {}, outputs: { [SCORES]: [B * T, D] } });
  }
  nodes.push({ op: "Mul", in: [SCORES, SCORES], out: ["square"] });
  nodes.push({ op: "ReduceMean", in: ["square"], out: ["y"], keepdims: 0 });
  return onnxModel({ nodes, constants, inputs: { x: [B, T, D] }, outputs: { y: [] } });
}

/**
 * By the LSTM operator, whose gates are in the order i o f g.
 *
 * @param {ReturnType<typeof import("./workloads.js").W6>} work
 */
export function lstm({ T, I, H, B, weights }) {
  const [wx, wh, b, wd, bd] = weights;
  /** @param {Float32Array} data @param {number} inputs */
  const gates = (data, inputs) => {
    const out = new Float32Array(data.length);
    [0, 3, 1, 2].forEach((gate, place) => {
      for (let j = 0; j < H; j++)
        for (let i = 0; i < inputs; i++)
          out[(place * H + j) * inputs + i] = data[i * 4 * H + gate * H + j];
    });
    return out;
  };
  const bias = new Float32Array(8 * H);
  bias.set(gates(b.data, 1));
  /** @type {Node[]} */
  const nodes = [
    { op: "Transpose", in: ["x"], out: ["steps"], perm: [1, 0, 2] },
    { op: "LSTM", in: ["steps", "W", "R", "B"], out: ["all", "last"], hidden_size: H },
    { op: "Reshape", in: ["last", "rows"], out: ["h"] },
    { op: "Gemm", in: ["h", "wd", "bd"], out: ["y"] },
  ];
  /** @type {NonNullable<Model["constants"]>} */
  const constants = {
    W: [[1, 4 * H, I], gates(wx.data, I)],
    R: [[1, 4 * H, H], gates(wh.data, H)],
    B: [[1, 8 * H], bias],
    rows: int64(B, H),
    ...constantsOf({ wd, bd }),
  };
  return onnxModel({ nodes, constants, inputs: { x: [B, T, I] }, outputs: { y: [B, 1] } });
}

/**
 * In elementary operators, because the training build has no gradient of the LSTM operator.
 *
 * @param {ReturnType<typeof import("./workloads.js").W6>} work
 */
export function unrolledLstm({ T, I, H, B, weights }) {
  const [wx, wh, b, wd, bd] = weights;
  const part = (/** @type {number} */ t) => `part${t}`;
  /** @type {Node[]} */
  const nodes = [
    { op: "Reshape", in: ["x", "rows"], out: ["x2"] },
    { op: "Gemm", in: ["x2", "wx", "b"], out: ["u2"] },
    { op: "Reshape", in: ["u2", "cube"], out: ["u3"] },
    { op: "Transpose", in: ["u3"], out: ["u"], perm: [1, 0, 2] },
    { op: "Split", in: ["u", "ones"], out: Array.from({ length: T }, (_, t) => part(t)), axis: 0 },
  ];
  for (let t = 0; t < T; t++) {
    const [h, c] = t ? [`h${t - 1}`, `c${t - 1}`] : ["hstart", "cstart"];
    /** @param {string} op @param {string[]} inputs @param {string} out */
    const add = (op, inputs, out) => nodes.push({ op, in: inputs, out: [out] });
    add("Reshape", [part(t), "square"], `v${t}`);
    add("MatMul", [h, "wh"], `r${t}`);
    add("Add", [`v${t}`, `r${t}`], `z${t}`);
    const gates = ["i", "f", "g", "o"].map((gate) => `${gate}${t}`);
    const sums = gates.map((gate) => `sum_${gate}`);
    nodes.push({ op: "Split", in: [`z${t}`, "quarters"], out: sums, axis: 1 });
    gates.forEach((gate, i) => add(i === 2 ? "Tanh" : "Sigmoid", [sums[i]], gate));
    add("Mul", [gates[1], c], `kept${t}`);
    add("Mul", [gates[0], gates[2]], `new${t}`);
    add("Add", [`kept${t}`, `new${t}`], `c${t}`);
    add("Tanh", [`c${t}`], `tanh${t}`);
    add("Mul", [gates[3], `tanh${t}`], `h${t}`);
  }
  nodes.push({ op: "Gemm", in: [`h${T - 1}`, "wd", "bd"], out: [SCORES] });
  /** @type {NonNullable<Model["constants"]>} */
  const constants = {
    ...constantsOf({ wx, wh, b, wd, bd }),
    rows: int64(B * T, I),
    cube: int64(B, T, 4 * H),
    square: int64(B, 4 * H),
    ones: int64(...Array(T).fill(1)),
    quarters: int64(H, H, H, H),
    hstart: [[B, H], new Float32Array(B * H)],
    cstart: [[B, H], new Float32Array(B * H)],
  };
  return onnxModel({ nodes, constants, inputs: { x: [B, T, I] }, outputs: { [SCORES]: [B, 1] } });
}

/**
 * Several products one after the other, C <- A C, so that copies count for little.
 *
 * @param {number} n
 * @param {number} length
 * @param {{ transposeA: boolean, transposeB: boolean }} form
 */
export function productChain(n, length, { transposeA, transposeB }) {
  const nodes = Array.from({ length }, (_, i) => {
    const names = { in: ["a", i ? `c${i}` : "c"], out: [i === length - 1 ? "y" : `c${i + 1}`] };
    if (!transposeA && !transposeB) return { op: "MatMul", ...names };
    return { op: "Gemm", ...names, transA: Number(transposeA), transB: Number(transposeB) };
  });
  return onnxModel({ nodes, inputs: { a: [n, n], c: [n, n] }, outputs: { y: [n, n] } });
}
