/**
 * Every setting of the page in one table. The table makes the controls, the part of the address
 * after `#`, and the reset; nothing else in the page knows a default or a range.
 */

/**
 * @typedef {object} Settings
 * @property {string} network key into PRESETS of presets.js
 * @property {number} learningRate step of gradient descent, no unit
 * @property {string} optimizer how a gradient becomes a correction: OptimizerConfig.Type
 * @property {string} schedule how the learning rate changes: key into SCHEDULES of training.js
 * @property {number} epochs passes over the training digits
 * @property {number} batchSize digits a step
 * @property {number} trainingDigits digits to learn from
 * @property {number} seed start of the random numbers
 * @property {string} lossScale "linear" or "log": the chart's loss axis
 */

/**
 * @typedef {object} Choice
 * @property {string | number} value
 * @property {string} label
 */

/**
 * @typedef {object} Property one setting; ranges are inclusive
 * @property {keyof Settings} name
 * @property {string} key short name in the address
 * @property {"network" | "training" | "chart"} group which group of controls it belongs to
 * @property {string} label
 * @property {string} help one sentence for a beginner
 * @property {string | number} default
 * @property {readonly Choice[]} [choices] the only values allowed, for a setting picked from a list
 * @property {"slider" | "box"} [control] how a whole number is set
 * @property {number} [min]
 * @property {number} [max]
 * @property {number} [step]
 */

/** @type {readonly Property[]} */
export const PROPERTIES = [
  {
    name: "network",
    key: "net",
    group: "network",
    label: "Kind of network",
    help: "",
    default: "cnn",
    choices: [
      { value: "cnn", label: "Convolutional (CNN)" },
      { value: "mlp", label: "Simple layers (MLP)" },
    ],
  },
  {
    name: "trainingDigits",
    key: "n",
    group: "training",
    label: "Digits to learn from",
    help: "More digits take longer and teach more.",
    default: 6000,
    control: "slider",
    min: 1000,
    max: 8000,
    step: 500,
  },
  {
    name: "epochs",
    key: "epochs",
    group: "training",
    label: "Epochs",
    help: "How many times it looks at every digit.",
    default: 5,
    control: "slider",
    min: 1,
    max: 20,
    step: 1,
  },
  {
    name: "learningRate",
    key: "lr",
    group: "training",
    label: "Learning rate",
    help: "Size of each correction: too small is slow, too large never settles.",
    default: 0.2,
    choices: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1].map((value) => ({
      value,
      label: String(value),
    })),
  },
  {
    name: "optimizer",
    key: "opt",
    group: "training",
    label: "Optimizer",
    help: "How corrections are made. AdamW and RMSprop want a learning rate near 0.002.",
    default: "sgd",
    choices: [
      { value: "sgd", label: "Gradient descent (SGD)" },
      { value: "sgd_momentum", label: "SGD with momentum" },
      { value: "adamw", label: "AdamW" },
      { value: "rmsprop", label: "RMSprop" },
    ],
  },
  {
    name: "schedule",
    key: "sched",
    group: "training",
    label: "Schedule",
    help: "How the learning rate changes on the way.",
    default: "constant",
    choices: [
      { value: "constant", label: "Always the same" },
      { value: "linear", label: "Down in a straight line" },
      { value: "cosine", label: "Down along a cosine" },
      { value: "warm_cosine", label: "Warm-up, then a cosine" },
    ],
  },
  {
    name: "batchSize",
    key: "batch",
    group: "training",
    label: "Batch size",
    help: "How many digits it looks at before each correction.",
    default: 32,
    choices: [8, 16, 32, 64, 128].map((value) => ({ value, label: String(value) })),
  },
  {
    name: "seed",
    key: "seed",
    group: "training",
    label: "Seed",
    help: "The same seed gives the same start, and the same result.",
    default: 1,
    control: "box",
    min: 0,
    max: 999_999,
    step: 1,
  },
  {
    name: "lossScale",
    key: "scale",
    group: "chart",
    label: "Loss axis",
    help: "",
    default: "linear",
    choices: [
      { value: "linear", label: "linear axis" },
      { value: "log", label: "logarithmic axis" },
    ],
  },
];

/** Version of the address format; a link of another version is not guessed at. */
const VERSION = "1";
/** An address longer than this was not made by this page. */
const MAX_HASH_LENGTH = 2000;

/** @returns {Settings} a fresh copy of the defaults */
export function defaultSettings() {
  return /** @type {Settings} */ (
    Object.fromEntries(PROPERTIES.map((property) => [property.name, property.default]))
  );
}

/**
 * The nearest allowed value of a setting.
 *
 * @param {Property} property
 * @param {string} text what was typed or came with the address
 * @returns {string | number | undefined} undefined when the text is no value of this kind at all
 */
export function parseValue(property, text) {
  if (typeof property.default === "string") {
    return property.choices?.find((choice) => choice.value === text)?.value;
  }
  const number = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(number)) return undefined;
  if (property.choices) return nearest(number, property.choices);
  const { min = 0, max = 0, step = 1 } = property;
  const clamped = Math.min(max, Math.max(min, number));
  return min + Math.round((clamped - min) / step) * step;
}

/**
 * Read settings from the address.
 *
 * @param {string} hash `location.hash`, with or without its `#`
 * @returns {{settings: Settings, notes: string[]}} notes name what was changed or left out, in words
 */
export function readHash(hash) {
  const settings = defaultSettings();
  const text = hash.replace(/^#/, "");
  if (text === "") return { settings, notes: [] };
  if (text.length > MAX_HASH_LENGTH) {
    return { settings, notes: ["The link is too long and was not used."] };
  }
  const parameters = new URLSearchParams(text);
  if (parameters.get("v") !== VERSION) {
    return { settings, notes: ["The link is not of this page's version and was not used."] };
  }
  /** @type {string[]} */
  const notes = [];
  for (const property of PROPERTIES) {
    const given = parameters.get(property.key);
    if (given === null) continue;
    const value = parseValue(property, given);
    if (value === undefined) {
      notes.push(`${property.label}: the link's value is not usable, the default is used.`);
      continue;
    }
    if (String(value) !== given) notes.push(`${property.label} was set to ${value}.`);
    Object.assign(settings, { [property.name]: value });
  }
  return { settings, notes };
}

/**
 * @param {Settings} settings
 * @returns {string} `#v=1&...` with only what differs from the defaults
 */
export function writeHash(settings) {
  const parameters = new URLSearchParams({ v: VERSION });
  for (const property of PROPERTIES) {
    const value = settings[property.name];
    if (value !== property.default) parameters.set(property.key, String(value));
  }
  return `#${parameters}`;
}

/**
 * @param {number} number
 * @param {readonly Choice[]} choices
 * @returns {number}
 */
function nearest(number, choices) {
  const values = choices.map((choice) => Number(choice.value));
  return values.reduce((best, value) =>
    Math.abs(value - number) < Math.abs(best - number) ? value : best,
  );
}
