/**
 * What can be seen inside the network: its blueprint, each layer's numbers while it learns, and what
 * the library makes of them in words.
 */

import { showBlueprint } from "./blueprint.js";
import { formatMagnitude } from "./words.js";

/** @typedef {import("./library.js").Loom} Loom */
/** @typedef {import("./library.js").Network} Network */
/** @typedef {import("../loom/generated/api.js").RecordingObserver} Recorder */
/** @typedef {import("../loom/generated/api.js").LayerHealth} LayerHealth */
/** @typedef {import("../loom/generated/api.js").DiagnosisFinding} Finding */

/** One step of so many is watched: often enough to follow, and hardly felt. */
const WATCH_EVERY = 20;
/** Passes that a diagnosis looks back on. */
const WATCHED_PASSES = 20;
/** The table follows training this often; more would only flicker. */
const MIN_REFRESH_MS = 500;

/**
 * @typedef {object} InsideElements
 * @property {HTMLElement} blueprint
 * @property {HTMLTableSectionElement} rows
 * @property {HTMLElement} findings
 */

export class Inside {
  #elements;
  #loom;
  #onError;
  /** @type {Network | null} */
  #network = null;
  /** @type {Recorder | null} */
  #recorder = null;
  #refreshing = false;
  #lastRefreshMs = -Infinity;

  /**
   * @param {InsideElements} elements
   * @param {Loom} loom
   * @param {(error: unknown) => void} onError told of what happens after a call has returned
   */
  constructor(elements, loom, onError) {
    this.#elements = elements;
    this.#loom = loom;
    this.#onError = onError;
  }

  /**
   * Show another network from now on; returns before it is done.
   *
   * @param {Network} network
   */
  show(network) {
    this.#network = network;
    this.#draw(network).catch((error) => {
      if (this.#network === network) this.#onError(error);
    });
  }

  /** @param {Network} network */
  async #draw(network) {
    const { Models: models } = await network.GetBlueprint();
    const [model] = models;
    if (!model) throw new Error("internal: a blueprint of no network");
    const recorder = await this.#loom.NewRecordingObserver(
      model.ID,
      2 * WATCHED_PASSES * model.TotalLayers,
    );
    if (this.#network !== network) {
      recorder.dispose();
      return; // replaced in the meantime
    }
    this.#recorder?.dispose();
    this.#recorder = recorder;
    showBlueprint(this.#elements.blueprint, model);
    await this.#ask();
  }

  /** Watch the training that is about to begin. */
  async watch() {
    await this.#network?.SetObserver(this.#recorder, WATCH_EVERY);
  }

  /** The training has ended: watch no longer, and show its last. */
  async unwatch() {
    await this.#network?.SetObserver(null);
    await this.#ask();
  }

  /** Show the latest; cheap to call often. */
  refresh() {
    const nowMs = performance.now();
    if (this.#refreshing || nowMs - this.#lastRefreshMs < MIN_REFRESH_MS) return;
    this.#lastRefreshMs = nowMs;
    this.#ask().catch(this.#onError);
  }

  async #ask() {
    const network = this.#network;
    const recorder = this.#recorder;
    if (!network || !recorder) return;
    this.#refreshing = true;
    try {
      const telemetry = await network.GetTelemetry();
      const findings = await recorder.Diagnose();
      if (this.#network !== network) return; // replaced in the meantime
      this.#showLayers(telemetry.LayerStats);
      this.#showFindings(findings);
    } finally {
      this.#refreshing = false;
    }
  }

  /** @param {readonly LayerHealth[]} layers */
  #showLayers(layers) {
    const { rows } = this.#elements;
    while (rows.rows.length > layers.length) rows.deleteRow(-1);
    layers.forEach((layer, at) => {
      const row = rows.rows[at] ?? emptyRow(rows);
      const texts = [
        `${layer.Index} ${layer.Type}`,
        formatMagnitude(layer.WeightNorm),
        formatMagnitude(layer.GradientNorm),
        formatMagnitude(layer.ActivationMin),
        formatMagnitude(layer.ActivationMax),
        formatMagnitude(layer.DeadNeurons),
      ];
      texts.forEach((text, column) => {
        const cell = row.cells[column];
        if (cell && cell.textContent !== text) cell.textContent = text;
      });
    });
  }

  /** @param {readonly Finding[]} findings */
  #showFindings(findings) {
    const { findings: list } = this.#elements;
    const texts = findings.map(({ Message: message, Advice: [advice = ""] }) =>
      `${message} ${advice}`.trim(),
    );
    list.dataset["count"] = String(texts.length);
    if (texts.length === 0) texts.push("Nothing stands out.");
    if (texts.join("\n") === [...list.children].map((item) => item.textContent).join("\n")) return;
    const items = texts.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    });
    list.replaceChildren(...items);
  }
}

/** @param {HTMLTableSectionElement} rows */
function emptyRow(rows) {
  const row = rows.insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  row.append(head);
  for (let column = 1; column < 6; column++) row.insertCell();
  return row;
}
