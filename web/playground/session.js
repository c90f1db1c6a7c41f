/**
 * What the reader does with the network once Python runs: train, pause, stop, start anew, load and
 * save. Says what happens through `view`; knows no element of the page.
 */

import { CurrentNetwork } from "./current_network.js";
import { PageError } from "./errors.js";
import { Training } from "./training.js";

/**
 * @typedef {object} View
 * @property {import("./status.js").Status} status
 * @property {() => void} showButtons called when what can be done has changed
 * @property {() => void} showHistory called when the history has changed
 * @property {(accuracy: number | null, final: boolean) => void} showAccuracy of the held-out digits, 0
 * to 1; null when it has not been measured; final when the run has ended
 * @property {() => void} predict called when the network has changed
 * @property {import("./inside.js").Inside} inside
 */

export class Session {
  #digits;
  #readSettings;
  #view;
  #current;
  #training;
  /** True while the network is being replaced: until then nothing else may use it. */
  #replacing = false;
  #history;

  /**
   * @param {import("./library.js").Loom} loom
   * @param {import("./digits.js").Digits} digits
   * @param {import("./history.js").TrainingHistory} history is cleared with each new network
   * @param {() => import("./state.js").Settings} readSettings
   * @param {View} view
   */
  constructor(loom, digits, history, readSettings, view) {
    this.#history = history;
    this.#current = new CurrentNetwork(loom);
    this.#digits = digits;
    this.#readSettings = readSettings;
    this.#view = view;
    this.#training = new Training(() => view.showButtons());
  }

  /** "idle", "training" or "paused". */
  get state() {
    return this.#training.state;
  }

  /** Train, pause or go on, whichever comes next. */
  async runOrPause() {
    if (this.#replacing) return;
    const { status } = this.#view;
    switch (this.state) {
      case "idle":
        return this.#train();
      case "training":
        if (await this.#training.pause()) status.paused();
        return;
      case "paused":
        status.show("training", "Going on …");
        return this.#training.resume();
    }
  }

  async #train() {
    const { status, showHistory, showAccuracy, predict, inside } = this.#view;
    this.#history.beginRun();
    showAccuracy(null, false);
    status.show("training", "Training: getting the digits ready …");
    const settings = this.#readSettings();
    const { network } = this.#current;
    const run = this.#training.run(network, settings, this.#digits, (event) => {
      this.#history.add(event);
      status.training(event);
      showHistory();
      inside.refresh();
      if (event.ValidationAccuracy !== null) showAccuracy(event.ValidationAccuracy, false);
      predict();
    });
    const [result] = await Promise.all([run, inside.watch()]).catch(async (error) => {
      await inside.unwatch(); // what the layers did last says why it failed
      throw error;
    });
    if (!result) return; // abandoned: whoever did that says what comes next
    result.EvalMetrics?.dispose();
    await inside.unwatch();
    showAccuracy(result.ValidationAccuracy ?? this.#history.lastAccuracy(), true);
    this.#showReady(result.Stopped ? "Stopped." : `Trained in ${result.TotalTime.toFixed(1)} s.`);
    predict();
  }

  /** End the run under way and keep what was learnt. */
  async stop() {
    if (this.state === "idle") return;
    this.#view.status.show("training", "Stopping after this step …");
    await this.#training.stop();
  }

  /** A new network from the settings: everything learnt is forgotten. */
  async rebuild() {
    if (this.#replacing) return;
    let built;
    do {
      // The settings may change again while a network is being built: build until they match.
      built = this.#readSettings();
      const settings = built;
      await this.#replace(() => this.#current.build(settings));
    } while (!sameNetwork(built, this.#readSettings()));
    this.#showReady("New network.");
  }

  /**
   * @param {string} text
   * @param {string} id
   * @returns {Promise<string>} the id that was loaded
   */
  async load(text, id) {
    if (this.#replacing) {
      throw new PageError("Another network is just being made.", "Load again in a moment.");
    }
    const loaded = await this.#replace(() => this.#current.load(text, id));
    this.#showReady("Model loaded.");
    return loaded;
  }

  /** @param {string} id */
  save(id) {
    return this.#current.save(id);
  }

  /** @param {Float32Array} input 784 grey values */
  predict(input) {
    return this.#current.predict(input);
  }

  /**
   * @template T
   * @param {() => Promise<T>} replacement
   */
  async #replace(replacement) {
    const { showHistory, showAccuracy, predict, inside } = this.#view;
    this.#replacing = true;
    try {
      await this.#training.abandon();
      const result = await replacement();
      this.#history.clear();
      showHistory();
      showAccuracy(null, true);
      predict();
      inside.show(this.#current.network);
      return result;
    } finally {
      this.#replacing = false;
    }
  }

  /** @param {string} what just happened, as a sentence */
  #showReady(what) {
    this.#view.status.show("ready", `${what} Ready: ${this.#current.description}.`);
    this.#view.showButtons();
  }
}

/**
 * @param {import("./state.js").Settings} a
 * @param {import("./state.js").Settings} b
 */
function sameNetwork(a, b) {
  return a.network === b.network && a.seed === b.seed;
}
