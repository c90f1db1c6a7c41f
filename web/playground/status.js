/**
 * The status line: always says what the page is doing. The same facts stand in data attributes of
 * the line and of the document, for tests and for style sheets.
 */

import { describeError } from "./errors.js";
import {
  formatCount,
  formatDuration,
  formatLoss,
  formatMegabytes,
  formatPercent,
} from "./words.js";

/** @typedef {"loading" | "ready" | "training" | "paused" | "error"} AppState */

/**
 * @typedef {object} StatusElements
 * @property {HTMLElement} line holds all the others
 * @property {HTMLElement} text
 * @property {HTMLProgressElement} progress
 * @property {HTMLElement} error
 * @property {HTMLElement} errorMessage
 * @property {HTMLElement} errorHint
 * @property {HTMLButtonElement} retry
 * @property {HTMLElement} announcer live region: the end of each epoch, and nothing more often
 */

export class Status {
  #elements;
  /** Where training is, in words. */
  #position = "the first step";

  /** @param {StatusElements} elements */
  constructor(elements) {
    this.#elements = elements;
  }

  /** @returns {AppState} */
  get state() {
    return /** @type {AppState} */ (document.documentElement.dataset["state"]);
  }

  /**
   * @param {AppState} state
   * @param {string} text
   */
  show(state, text) {
    document.documentElement.dataset["state"] = state;
    const { line, text: textElement, error } = this.#elements;
    line.dataset["state"] = state;
    textElement.textContent = text;
    error.hidden = state !== "error";
  }

  /** @param {import("./library.js").StartUpProgress} event */
  startUp({ stage, message, loadedBytes, totalBytes }) {
    const { line, progress } = this.#elements;
    const bytes =
      totalBytes > 0 && loadedBytes < totalBytes
        ? ` (${formatMegabytes(loadedBytes)} of ${formatMegabytes(totalBytes)})`
        : "";
    this.show("loading", `${message}${bytes} …`);
    line.dataset["stage"] = stage;
    if (totalBytes > 0 && loadedBytes < totalBytes) {
      progress.max = totalBytes;
      progress.value = loadedBytes;
    } else progress.removeAttribute("value"); // no measure of what is left: show that it is busy
  }

  /** @param {import("./library.js").TrainingEvent} event */
  training(event) {
    const { line, progress } = this.#elements;
    this.#position =
      `epoch ${event.Epoch} of ${event.Epochs}, step ${formatCount(event.Step)} of ` +
      `${formatCount(event.TotalSteps)}, loss ${formatLoss(event.Loss)}`;
    this.show(
      "training",
      `Training: ${this.#position}, about ${formatDuration(event.RemainingSeconds)} left ` +
        `(${formatCount(Math.round(event.SamplesPerSecond))} digits a second)`,
    );
    progress.max = event.TotalSteps;
    progress.value = event.Step;
    Object.assign(line.dataset, { epoch: event.Epoch, step: event.Step, loss: event.Loss });
    if (event.Event === "epoch_end") this.#announce(event);
  }

  /** Training stands still where the latest event left it. */
  paused() {
    this.show("paused", `Paused at ${this.#position}.`);
  }

  /**
   * Show an error with its hint.
   *
   * @param {unknown} error
   * @param {string} doing what the page was doing, such as "Start-up"
   * @param {(() => void) | null} retry what the retry button does; null when it would not help
   */
  error(error, doing, retry) {
    const { line, errorMessage, errorHint, retry: button } = this.#elements;
    const words = describeError(error);
    this.show("error", `${doing} did not work.`);
    line.dataset["code"] = words.code;
    errorMessage.textContent = words.message;
    errorHint.textContent = words.hint;
    button.hidden = retry === null;
    button.onclick = retry;
  }

  /** @param {import("./library.js").TrainingEvent} event */
  #announce(event) {
    const accuracy =
      event.ValidationAccuracy === null
        ? `loss ${formatLoss(event.EpochLoss)}`
        : `${formatPercent(event.ValidationAccuracy)} of the held-out digits read correctly`;
    this.#elements.announcer.textContent = `Epoch ${event.Epoch} of ${event.Epochs}: ${accuracy}.`;
  }
}
