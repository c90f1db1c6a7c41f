/**
 * Data, initial weights and sizes of the workloads: one generator of random numbers, so that all
 * contenders train the same net on the same batch and their losses can be compared.
 *
 * @typedef {{ data: Float32Array, shape: number[] }} Weight
 */

/** @param {number} seed @returns {() => number} mulberry32, 0 to 1 */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** @param {number} seed @param {number} count @param {number} limit */
function uniform(seed, count, limit, low = -limit) {
  const next = random(seed);
  return Float32Array.from({ length: count }, () => low + (limit - low) * next());
}

/** @param {number} seed @param {number} fanIn @param {number} fanOut */
const glorot = (seed, fanIn, fanOut, count = fanIn * fanOut) =>
  uniform(seed, count, Math.sqrt(6 / (fanIn + fanOut)));

/** @param {number[]} shape @returns {Weight} */
const zeros = (...shape) => ({ data: new Float32Array(shape.reduce((a, b) => a * b, 1)), shape });

/** @param {number} seed @param {number} batch */
function tenClasses(seed, batch) {
  const next = random(seed);
  const labels = Int32Array.from({ length: batch }, () => Math.floor(next() * 10));
  const y = new Float32Array(batch * 10);
  labels.forEach((label, i) => (y[i * 10 + label] = 1));
  return { labels, y, yShape: [batch, 10] };
}

/**
 * A stack of Dense layers with ReLU between them and ten classes at its end.
 *
 * @param {number[]} sizes
 * @param {number} batch
 * @param {number} seed
 */
export function classifier(sizes, batch, seed) {
  /** @type {Weight[]} */
  const weights = [];
  for (let i = 0; i + 1 < sizes.length; i++) {
    const [inputs, outputs] = sizes.slice(i);
    weights.push({ data: glorot(seed + i, inputs, outputs), shape: [inputs, outputs] });
    weights.push(zeros(outputs));
  }
  const x = uniform(seed + 100, batch * sizes[0], 1, 0);
  const goal = tenClasses(seed + 200, batch);
  return { sizes, batch, weights, x, xShape: [batch, sizes[0]], ...goal, rate: 0.05 };
}

/** MLP 2-8-1, tanh, mean squared error, batch 4. */
export const W1 = () => ({
  sizes: [2, 8, 1],
  batch: 4,
  rate: 0.1,
  x: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1),
  xShape: [4, 2],
  y: Float32Array.of(0, 1, 1, 0),
  yShape: [4, 1],
  weights: [
    { data: glorot(11, 2, 8), shape: [2, 8] },
    zeros(8),
    { data: glorot(12, 8, 1), shape: [8, 1] },
    zeros(1),
  ],
});

/** MLP 784-128-10, batch 32. */
export const W2 = () => classifier([784, 128, 10], 32, 20);

/** MLP 784-512-512-10, batch 128. */
export const W3 = () => classifier([784, 512, 512, 10], 128, 30);

/**
 * CNN on 28x28x1: 8 filters 3x3, ReLU, 16 filters 3x3 with stride 2, ReLU, ten classes; batch 32.
 * Padding is TensorFlow's SAME: one cell on each side, then (stride 2) one at the end only.
 *
 * @param {"channels last" | "channels first"} layout kernels HWIO or OIHW
 */
export function W4(layout) {
  const [batch, c1, c2, places] = [32, 8, 16, 14 * 14];
  const k1 = glorot(41, 9, 9 * c1, 9 * c1);
  const k2 = glorot(42, 9 * c1, 9 * c2, 9 * c1 * c2);
  const dense = glorot(43, places * c2, 10);
  const x = uniform(140, batch * 784, 1, 0);
  const common = { batch, x, ...tenClasses(240, batch), rate: 0.05 };
  if (layout === "channels last") {
    const weights = [
      { data: k1, shape: [3, 3, 1, c1] },
      zeros(c1),
      { data: k2, shape: [3, 3, c1, c2] },
      zeros(c2),
      { data: dense, shape: [places * c2, 10] },
      zeros(10),
    ];
    return { ...common, xShape: [batch, 28, 28, 1], weights };
  }
  const turned = new Float32Array(dense.length);
  for (let p = 0; p < places; p++)
    for (let c = 0; c < c2; c++)
      for (let o = 0; o < 10; o++) turned[(c * places + p) * 10 + o] = dense[(p * c2 + c) * 10 + o];
  const weights = [
    { data: filtersFirst(k1, 1, c1), shape: [c1, 1, 3, 3] },
    zeros(c1),
    { data: filtersFirst(k2, c1, c2), shape: [c2, c1, 3, 3] },
    zeros(c2),
    { data: turned, shape: [places * c2, 10] },
    zeros(10),
  ];
  return { ...common, xShape: [batch, 1, 28, 28], weights };
}

/** @param {Float32Array} kernel 3x3 HWIO @param {number} inputs @param {number} outputs */
function filtersFirst(kernel, inputs, outputs) {
  const turned = new Float32Array(kernel.length);
  for (let cell = 0; cell < 9; cell++)
    for (let i = 0; i < inputs; i++)
      for (let o = 0; o < outputs; o++)
        turned[(o * inputs + i) * 9 + cell] = kernel[(cell * inputs + i) * outputs + o];
  return turned;
}

/** Self-attention, batch 8, 64 tokens of 64 numbers, 4 heads, no biases; loss mean(out^2). */
export function W5() {
  const [B, T, D, H] = [8, 64, 64, 4];
  const weights = [51, 52, 53, 54].map((seed) => ({ data: glorot(seed, D, D), shape: [D, D] }));
  return { B, T, D, H, head: D / H, x: uniform(50, B * T * D, 1), xShape: [B, T, D], weights };
}

/** LSTM, 32 steps of 32 numbers, hidden 64, batch 16, one output of the last step; gates i f g o. */
export function W6() {
  const [T, I, H, B] = [32, 32, 64, 16];
  const weights = [
    { data: glorot(72, I, 4 * H), shape: [I, 4 * H] },
    { data: glorot(73, H, 4 * H), shape: [H, 4 * H] },
    zeros(4 * H),
    { data: glorot(74, H, 1), shape: [H, 1] },
    zeros(1),
  ];
  const data = { x: uniform(70, B * T * I, 1), xShape: [B, T, I] };
  return { T, I, H, B, rate: 0.05, ...data, y: uniform(71, B, 1), yShape: [B, 1], weights };
}

/** The products that are timed: plain, and what gradients need. */
export const PRODUCTS = [256, 512, 1024].flatMap((n) =>
  ["plain", "a transposed", "b transposed"].map((form) => ({
    name: `${n} ${form}`,
    n,
    transposeA: form === "a transposed",
    transposeB: form === "b transposed",
  })),
);

/**
 * A chain of products C <- A C. Entries of A have variance 1/n, so that the values stay finite.
 *
 * @param {number} n
 */
export const product = (n) => ({
  n,
  a: uniform(80 + n, n * n, Math.sqrt(3 / n)),
  c: uniform(81 + n, n * n, 1),
});
