/**
 * What training has reported so far, as the chart and the table show it.
 */

/** @typedef {import("./library.js").TrainingEvent} TrainingEvent */

/**
 * @typedef {object} EpochRow
 * @property {number} epoch counted over all runs of this network
 * @property {number} step counted over all runs of this network
 * @property {number} trainingLoss mean over the epoch
 * @property {number | null} heldOutLoss
 * @property {number | null} heldOutAccuracy 0 to 1
 */

export class TrainingHistory {
  /** @type {number[]} */
  steps = [];
  /** @type {number[]} loss of the batch at each of `steps` */
  losses = [];
  /** @type {number[]} learning rate at each of `steps` */
  rates = [];
  /** @type {EpochRow[]} */
  epochs = [];
  #stepsBefore = 0;
  #epochsBefore = 0;

  /** Training goes on with the same network: later steps and epochs are counted on. */
  beginRun() {
    this.#stepsBefore = this.steps.at(-1) ?? 0;
    this.#epochsBefore = this.epochs.at(-1)?.epoch ?? 0;
  }

  /** @param {TrainingEvent} event */
  add(event) {
    const step = this.#stepsBefore + event.Step;
    if (step > (this.steps.at(-1) ?? 0)) {
      this.steps.push(step);
      this.losses.push(event.Loss);
      this.rates.push(event.LearningRate);
    }
    if (event.Event === "epoch_end") {
      this.epochs.push({
        epoch: this.#epochsBefore + event.Epoch,
        step,
        trainingLoss: event.EpochLoss,
        heldOutLoss: event.ValidationLoss,
        heldOutAccuracy: event.ValidationAccuracy,
      });
    }
  }

  /** @returns {number | null} accuracy at the latest epoch end, 0 to 1; null when not measured */
  lastAccuracy() {
    return this.epochs.at(-1)?.heldOutAccuracy ?? null;
  }

  clear() {
    this.steps = [];
    this.losses = [];
    this.rates = [];
    this.epochs = [];
    this.beginRun();
  }
}

/**
 * Keep at most `limit` points, and with them every peak and dip: of each stretch the lowest and
 * the highest point stay, in their order.
 *
 * @param {readonly number[]} xs ascending
 * @param {readonly number[]} ys
 * @param {number} limit at least 2
 * @returns {[number[], number[]]}
 */
export function thinMinMax(xs, ys, limit) {
  if (xs.length <= limit) return [[...xs], [...ys]];
  const stretches = Math.floor(limit / 2);
  /** @type {number[]} */
  const kept = [];
  for (let stretch = 0; stretch < stretches; stretch++) {
    const start = Math.floor((stretch * xs.length) / stretches);
    const end = Math.floor(((stretch + 1) * xs.length) / stretches);
    let low = start;
    let high = start;
    for (let at = start; at < end; at++) {
      const y = ys[at] ?? 0;
      if (y < (ys[low] ?? 0)) low = at;
      if (y > (ys[high] ?? 0)) high = at;
    }
    kept.push(Math.min(low, high));
    if (low !== high) kept.push(Math.max(low, high));
  }
  return [kept.map((at) => xs[at] ?? 0), kept.map((at) => ys[at] ?? 0)];
}
