/**
 * The networks that the page can build, as model JSON for BuildNetworkFromJSON. Each takes the 784
 * grey values of a digit and gives ten probabilities.
 */

/** Rows and columns of a digit. */
export const DIGIT_SIZE = 28;
/** Grey values of a digit: what a network of this page takes. */
export const INPUT_SIZE = DIGIT_SIZE * DIGIT_SIZE;
/** Digits 0 to 9: what a network of this page gives. */
export const CLASS_COUNT = 10;

const HIDDEN_SIZE = 64;

/** The last two layers of every preset: one score a digit, then scores to probabilities. */
const CLASSIFIER = [
  { type: "dense", output_size: CLASS_COUNT, activation: "linear" },
  { type: "softmax" },
];

/**
 * @typedef {object} Preset
 * @property {string} name short name, used in sentences
 * @property {string} explanation one or two sentences for a beginner
 * @property {readonly object[]} layers
 */

/** @type {Readonly<Record<string, Preset>>} */
export const PRESETS = {
  cnn: {
    name: "CNN",
    explanation:
      "A convolutional network slides small filters over the picture to find strokes and corners, " +
      "then decides from what they found. Slower a step, but the better reader.",
    layers: [
      {
        type: "conv2d",
        input_height: DIGIT_SIZE,
        input_width: DIGIT_SIZE,
        input_channels: 1,
        filters: 8,
        kernel_size: 5,
        stride: 2,
        padding: 2,
        activation: "relu",
      },
      { type: "conv2d", filters: 16, kernel_size: 3, stride: 2, padding: 1, activation: "relu" },
      ...CLASSIFIER,
    ],
  },
  mlp: {
    name: "MLP",
    explanation:
      "A multi-layer perceptron mixes all 784 grey values at once in a layer of " +
      `${HIDDEN_SIZE} neurons. Quick a step, but blind to which pixels are neighbours.`,
    layers: [
      {
        type: "dense",
        input_size: INPUT_SIZE,
        output_size: HIDDEN_SIZE,
        activation: "relu",
      },
      ...CLASSIFIER,
    ],
  },
};

/**
 * @param {string} name key into PRESETS
 * @returns {Preset}
 * @throws {RangeError} when there is no such preset; settings are validated before they get here
 */
export function preset(name) {
  const found = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (!found) throw new RangeError(`internal: no preset "${name}"`);
  return found;
}

/**
 * @param {string} name key into PRESETS
 * @param {number} seed start of the random numbers that the weights are drawn from
 * @returns {string} model JSON
 */
export function modelJSON(name, seed) {
  const { layers } = preset(name);
  return JSON.stringify({
    id: name,
    batch_size: 1,
    grid_rows: 1,
    grid_cols: 1,
    layers_per_cell: layers.length,
    seed,
    layers,
  });
}
