/**
 * One training run at a time: start, pause, resume, stop, and give up.
 */

import { isAbort } from "./errors.js";

/** @typedef {import("./library.js").Network} Network */
/** @typedef {import("./library.js").TrainingResult} TrainingResult */
/** @typedef {import("./library.js").TrainingEvent} TrainingEvent */
/** Steps in which the learning rate rises where a schedule begins with a warm-up, at most. */
const WARMUP_STEPS = 50;

/** The largest part of a training that is warm-up: a short one has its schedule as well. */
const WARMUP_SHARE = 0.1;

/**
 * @param {string} name as in the form
 * @param {number} steps of the training
 * @returns {import("../loom/generated/api.js").SchedulerConfig | undefined}
 */
function schedule(name, steps) {
  const WarmupSteps = Math.min(WARMUP_STEPS, Math.floor(WARMUP_SHARE * steps));
  /** @type {Readonly<Record<string, import("../loom/generated/api.js").SchedulerConfig>>} */
  const schedules = {
    constant: { Type: "constant" },
    linear: { Type: "linear" },
    cosine: { Type: "cosine" },
    warm_cosine: { Type: "cosine", WarmupSteps },
  };
  return schedules[name];
}

/** @typedef {Extract<import("../loom/generated/api.js").TrainingConfig["Optimizer"], string>} OptimizerName */
/** @typedef {"idle" | "training" | "paused"} TrainingState */

export class Training {
  #onState;
  /** @type {TrainingState} */
  #state = "idle";
  /** @type {Network | null} */
  #network = null;
  #abort = new AbortController();
  /** @type {Promise<unknown>} settles when the run under way has ended */
  #ended = Promise.resolve();

  /** @param {(state: TrainingState) => void} onState called after each change */
  constructor(onState) {
    this.#onState = onState;
  }

  get state() {
    return this.#state;
  }

  /**
   * Train until the epochs are done, stop() or abandon().
   *
   * @param {Network} network
   * @param {import("./state.js").Settings} settings
   * @param {import("./digits.js").Digits} digits
   * @param {(event: TrainingEvent) => void} onEvent
   * @returns {Promise<TrainingResult | null>} null when the run was abandoned
   * @throws the library's error when training fails
   */
  async run(network, settings, digits, onEvent) {
    if (this.#state !== "idle") throw new Error("internal: a run is already under way");
    this.#network = network;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#setState("training");
    const run = this.#train(network, settings, digits, onEvent, signal);
    this.#ended = run.then(
      () => undefined,
      () => undefined, // the caller of run() hears of the error; waiting for the end does not
    );
    try {
      return await run;
    } catch (error) {
      if (isAbort(error, signal)) return null;
      throw error;
    } finally {
      this.#network = null;
      this.#setState("idle");
    }
  }

  /**
   * @param {Network} network
   * @param {import("./state.js").Settings} settings
   * @param {import("./digits.js").Digits} digits
   * @param {(event: TrainingEvent) => void} onEvent
   * @param {AbortSignal} signal
   */
  async #train(network, settings, digits, onEvent, signal) {
    const training = await digits.trainingSet(settings.trainingDigits);
    const heldOut = await digits.heldOutSet();
    signal.throwIfAborted();
    const steps = settings.epochs * Math.ceil(training.labels.length / settings.batchSize);
    return network.Train(
      {
        Inputs: training.inputs,
        Labels: training.labels,
        BatchSize: settings.batchSize,
        Shuffle: true,
      },
      {
        Epochs: settings.epochs,
        LearningRate: settings.learningRate,
        Optimizer: /** @type {OptimizerName} */ (settings.optimizer),
        Scheduler: schedule(settings.schedule, steps),
        LossType: "cross_entropy",
        Seed: settings.seed,
        ValidationInputs: heldOut.inputs,
        ValidationLabels: heldOut.labels,
        EvaluateEveryN: 1,
      },
      onEvent,
      { signal },
    );
  }

  /**
   * Pause after the step under way.
   *
   * @returns {Promise<boolean>} true when it is paused; false when the run ended before
   */
  async pause() {
    const network = this.#network;
    if (this.#state !== "training" || !network) return false;
    await network.PauseTraining();
    if (this.#network !== network) return false;
    this.#setState("paused");
    return true;
  }

  /** Go on; does nothing unless paused. */
  async resume() {
    if (this.#state !== "paused" || !this.#network) return;
    this.#setState("training");
    await this.#network.ResumeTraining();
  }

  /** End the run after the step under way and keep what was learnt. */
  async stop() {
    await this.#network?.StopTraining();
  }

  /** End the run at once, for its network is about to be replaced; resolves when it has ended. */
  async abandon() {
    this.#abort.abort();
    await this.#ended;
  }

  /** @param {TrainingState} state */
  #setState(state) {
    this.#state = state;
    this.#onState(state);
  }
}
