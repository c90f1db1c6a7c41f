/**
 * The ten probabilities, as bars with numbers. Predictions are asked for one at a time: while one
 * is under way only the latest picture is remembered, so that drawing never queues up work.
 */

import { CLASS_COUNT } from "./presets.js";
import { formatPercent } from "./words.js";

/** @typedef {(input: Float32Array) => Promise<Float32Array>} Predict grey values to probabilities */

/**
 * @typedef {object} Picture
 * @property {Float32Array | null} input 784 grey values; null when nothing is drawn
 * @property {number} revision which picture it is; stands beside its probabilities
 */

export class Predictions {
  #elements;
  #onError;
  /** @type {{bar: HTMLElement, value: HTMLElement, row: HTMLTableRowElement}[]} */
  #rows;
  #busy = false;
  /** @type {{picture: Picture, predict: Predict} | null} null: nothing is waiting */
  #waiting = null;

  /**
   * @param {{rows: HTMLTableSectionElement, verdict: HTMLElement}} elements
   * @param {(error: unknown) => void} onError
   */
  constructor(elements, onError) {
    this.#elements = elements;
    this.#onError = onError;
    this.#rows = Array.from({ length: CLASS_COUNT }, (_, digit) => makeRow(elements.rows, digit));
    this.#show(null);
  }

  /**
   * @param {Picture} picture
   * @param {Predict} predict
   */
  request(picture, predict) {
    this.#waiting = { picture, predict };
    if (!this.#busy) void this.#work();
  }

  async #work() {
    this.#busy = true;
    try {
      while (this.#waiting) {
        const { picture, predict } = this.#waiting;
        this.#waiting = null;
        this.#show(picture.input && (await predict(picture.input)));
        this.#elements.rows.dataset["revision"] = String(picture.revision);
      }
    } catch (error) {
      this.#show(null);
      this.#onError(error);
    } finally {
      this.#busy = false;
    }
  }

  /** @param {Float32Array | null} probabilities */
  #show(probabilities) {
    const { rows, verdict } = this.#elements;
    const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    this.#rows.forEach(({ bar, value, row }, digit) => {
      const probability = probabilities?.[digit] ?? 0;
      bar.style.transform = `scaleX(${Math.min(1, Math.max(0, probability))})`;
      value.textContent = probabilities ? formatPercent(probability) : "–";
      row.dataset["best"] = String(digit === best);
      row.dataset["probability"] = probabilities ? String(probability) : "";
    });
    rows.dataset["digit"] = best < 0 ? "" : String(best);
    verdict.textContent =
      best < 0
        ? "Draw a digit from 0 to 9."
        : `It reads a ${best} (${formatPercent(probabilities?.[best] ?? 0)} sure).`;
  }
}

/**
 * @param {HTMLTableSectionElement} rows
 * @param {number} digit
 */
function makeRow(rows, digit) {
  const row = rows.insertRow();
  const heading = document.createElement("th");
  heading.scope = "row";
  heading.textContent = String(digit);
  row.append(heading);
  const track = row.insertCell();
  track.className = "track";
  const bar = document.createElement("span");
  bar.className = "bar";
  track.append(bar);
  const value = row.insertCell();
  value.className = "value";
  return { bar, value, row };
}
