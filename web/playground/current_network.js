/**
 * The one network that the page works with: built from the settings, or loaded from a model string.
 * A new one takes the place of the old only when it has been tried, so a bad model changes nothing.
 */

import { PageError } from "./errors.js";
import { CLASS_COUNT, INPUT_SIZE, modelJSON, preset } from "./presets.js";
import { formatCount } from "./words.js";

/** @typedef {import("./library.js").Loom} Loom */
/** @typedef {import("./library.js").Network} Network */

/** A longer model string is refused before it is handed on. */
export const MAX_MODEL_CHARACTERS = 64_000_000;

export class CurrentNetwork {
  #loom;
  /** @type {Network | null} */
  #network = null;
  #description = "";

  /** @param {Loom} loom */
  constructor(loom) {
    this.#loom = loom;
  }

  /** One phrase for a sentence, such as "CNN with 9,546 weights". */
  get description() {
    return this.#description;
  }

  /** @returns {Network} */
  get network() {
    if (!this.#network) throw new Error("internal: there is no network yet");
    return this.#network;
  }

  /**
   * @param {import("./state.js").Settings} settings
   * @throws the library's error when the network cannot be built
   */
  async build({ network, seed }) {
    const built = await this.#loom.BuildNetworkFromJSON(modelJSON(network, seed));
    await this.#replace(built, preset(network).name);
  }

  /**
   * @param {string} text a model string or a bundle of several
   * @param {string} wantedId which model of the bundle; may be empty when it holds only one
   * @returns {Promise<string>} the id of the model that was loaded
   * @throws {PageError} when the model does not fit this page, or it is not clear which one is meant;
   * the library's error when the text is no model
   */
  async load(text, wantedId) {
    if (text.trim() === "") {
      throw new PageError("There is no model text to load.", "Paste a saved model or open a file.");
    }
    if (text.length > MAX_MODEL_CHARACTERS) {
      throw new PageError(
        `The model text has ${formatCount(text.length)} characters; this page takes at most ` +
          `${formatCount(MAX_MODEL_CHARACTERS)}.`,
        "Load a smaller model.",
      );
    }
    const id = chooseId(await this.#loom.ListModels(text), wantedId);
    await this.#replace(await this.#loom.LoadModelFromString(text, id), `Model “${id}”`);
    return id;
  }

  /**
   * @param {string} id name of the model inside the string
   * @returns {Promise<string>} the model string
   */
  save(id) {
    return this.network.SaveModelToString(id);
  }

  /**
   * @param {Float32Array} input 784 grey values
   * @returns {Promise<Float32Array>} ten probabilities
   */
  predict(input) {
    return this.network.ForwardCPU(input);
  }

  /**
   * @param {Network} network
   * @param {string} name
   */
  async #replace(network, name) {
    try {
      const output = await network.ForwardCPU(new Float32Array(INPUT_SIZE).fill(0.5)); // plain grey
      if (output.length !== CLASS_COUNT) {
        throw new PageError(
          `The model gives ${output.length} numbers; this page needs ${CLASS_COUNT}, one a digit.`,
          "Load a model that was made for 28 × 28 digits.",
        );
      }
      const weights = await network.GetTotalParameters();
      this.#description = `${name} with ${formatCount(weights)} weights`;
    } catch (error) {
      network.dispose();
      throw error;
    }
    this.#network?.dispose();
    this.#network = network;
  }
}

/**
 * @param {readonly string[]} ids what the string holds
 * @param {string} wanted may be empty
 * @returns {string}
 */
function chooseId(ids, wanted) {
  if (ids.includes(wanted)) return wanted;
  const [only] = ids;
  if (only !== undefined && ids.length === 1) return only;
  throw new PageError(
    `The text holds ${ids.length} models: ${ids.map((id) => `“${id}”`).join(", ")}.`,
    "Write the name of one of them into the field Model name, then load again.",
  );
}
