/**
 * Charts of the training history: loss, accuracy and learning rate, with a sentence and a table that
 * say the same for those who cannot see them.
 */

import { thinMinMax } from "./history.js";
import { formatCount, formatLoss, formatPercent } from "./words.js";

/** @typedef {typeof import("uplot")} UPlot */

const MAX_POINTS = 2000;
/** At most 30 redraws a second. */
const MIN_REDRAW_MS = 1000 / 30;
const FONT = "12px system-ui, sans-serif";

/**
 * @typedef {object} ChartElements
 * @property {HTMLElement} loss
 * @property {HTMLElement} accuracy
 * @property {HTMLElement} rate
 * @property {HTMLElement} summary
 * @property {HTMLTableSectionElement} rows
 */

export class TrainingChart {
  #UPlot;
  #elements;
  #history;
  #lossScale;
  /** @type {InstanceType<UPlot>[]} loss, accuracy, learning rate */
  #plots = [];
  #redrawAsked = false;
  #lastRedrawMs = -Infinity;

  /**
   * @param {UPlot} UPlot
   * @param {ChartElements} elements
   * @param {import("./history.js").TrainingHistory} history read at each redraw
   * @param {string} lossScale "linear" or "log"
   */
  constructor(UPlot, elements, history, lossScale) {
    this.#UPlot = UPlot;
    this.#elements = elements;
    this.#history = history;
    this.#lossScale = lossScale;
    this.#build();
    document.addEventListener("themechange", () => this.#build());
    new ResizeObserver(() => this.#resize()).observe(elements.loss);
  }

  /** @param {string} scale "linear" or "log" */
  setLossScale(scale) {
    this.#lossScale = scale;
    this.#build();
  }

  /** Show the history's latest; cheap to call often, and not drawn while the page is hidden. */
  update() {
    if (this.#redrawAsked) return;
    this.#redrawAsked = true;
    const redraw = (/** @type {number} */ nowMs) => {
      if (nowMs - this.#lastRedrawMs < MIN_REDRAW_MS) {
        requestAnimationFrame(redraw);
        return;
      }
      this.#redrawAsked = false;
      this.#lastRedrawMs = nowMs;
      this.#draw();
    };
    requestAnimationFrame(redraw);
  }

  #build() {
    for (const plot of this.#plots) plot.destroy();
    const { loss, accuracy, rate } = this.#elements;
    const colours = themeColours();
    const log = this.#lossScale === "log";
    /** @type {import("uplot").Series} */
    const eachStep = { stroke: colours.blue, width: 1.5, points: { show: false } };
    /** @type {import("uplot").Series} */
    const heldOut = {
      stroke: colours.orange,
      width: 2,
      spanGaps: true,
      points: { show: true, size: 7, fill: colours.orange },
    };
    this.#plots = [
      new this.#UPlot(
        {
          ...frame(loss, colours),
          scales: { x: { time: false }, y: log ? { distr: 3 } : { range: fromZero } },
          series: [{}, eachStep, heldOut],
        },
        [[], [], []],
        loss,
      ),
      new this.#UPlot(
        {
          ...frame(accuracy, colours),
          scales: { x: { time: false }, y: { range: upToAll } },
          series: [{}, heldOut],
        },
        [[], []],
        accuracy,
      ),
      new this.#UPlot(
        {
          ...frame(rate, colours),
          scales: { x: { time: false }, y: { range: fromZero } },
          series: [{}, eachStep],
        },
        [[], []],
        rate,
      ),
    ];
    this.#draw();
  }

  #resize() {
    const { loss, accuracy, rate } = this.#elements;
    for (const [at, place] of [loss, accuracy, rate].entries()) {
      this.#plots[at]?.setSize(sizeOf(place));
    }
  }

  #draw() {
    const { steps, losses, rates, epochs } = this.#history;
    const drawable = (/** @type {number | null} */ y) =>
      this.#lossScale === "log" && y !== null && y <= 0 ? null : y; // no logarithm of zero
    const [xs, ys] = thinMinMax(steps, losses, MAX_POINTS);
    const ends = epochs.map((row) => row.step);
    const lossData = this.#UPlot.join([
      [xs, ys.map(drawable)],
      [ends, epochs.map((row) => drawable(row.heldOutLoss))],
    ]);
    this.#plots[0]?.setData(lossData);
    const percent = epochs.map((row) =>
      row.heldOutAccuracy === null ? null : row.heldOutAccuracy * 100,
    );
    this.#plots[1]?.setData([
      [0, ...ends],
      [null, ...percent],
    ]);
    this.#plots[2]?.setData(thinMinMax(steps, rates, MAX_POINTS));
    this.#elements.summary.textContent = summary(this.#history);
    this.#fillTable();
  }

  #fillTable() {
    const { rows } = this.#elements;
    const { epochs } = this.#history;
    if (epochs.length < rows.rows.length) rows.replaceChildren();
    for (const row of epochs.slice(rows.rows.length)) {
      const line = rows.insertRow();
      const cells = [
        String(row.epoch),
        formatLoss(row.trainingLoss),
        row.heldOutLoss === null ? "not measured" : formatLoss(row.heldOutLoss),
        row.heldOutAccuracy === null ? "not measured" : formatPercent(row.heldOutAccuracy),
      ];
      for (const cell of cells) line.insertCell().textContent = cell;
    }
  }
}

/** @param {import("./history.js").TrainingHistory} history */
function summary({ steps, losses, epochs }) {
  const step = steps.at(-1);
  const loss = losses.at(-1);
  if (step === undefined || loss === undefined) {
    return "Nothing learned yet. The charts fill as soon as training starts.";
  }
  const last = epochs.at(-1);
  const start = `After ${formatCount(step)} steps the loss is ${formatLoss(loss)}`;
  if (!last || last.heldOutAccuracy === null) return `${start}.`;
  return (
    `${start}. After epoch ${last.epoch} it read ` +
    `${formatPercent(last.heldOutAccuracy)} of the held-out digits correctly.`
  );
}

/**
 * The parts of the options that both charts share.
 *
 * @param {HTMLElement} element
 * @param {ReturnType<typeof themeColours>} colours
 */
function frame(element, colours) {
  /** @type {import("uplot").Axis} */
  const axis = {
    stroke: colours.text,
    font: FONT,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { stroke: colours.grid, width: 1 },
  };
  return {
    ...sizeOf(element),
    axes: [
      { ...axis, size: 32 },
      { ...axis, size: 52 },
    ],
    legend: { show: false },
    cursor: { show: false },
  };
}

/** @param {HTMLElement} element its size is the style sheet's, so that nothing jumps */
function sizeOf(element) {
  return { width: element.clientWidth, height: element.clientHeight };
}

/**
 * @param {object} _plot
 * @param {number | null} _low
 * @param {number | null} high
 * @returns {[number, number]}
 */
function fromZero(_plot, _low, high) {
  return [0, high === null || high <= 0 ? 1 : high * 1.05];
}

/**
 * Percent, from the ten below the lowest value up to 100.
 *
 * @param {object} _plot
 * @param {number | null} low
 * @returns {[number, number]}
 */
function upToAll(_plot, low) {
  return [low === null ? 0 : Math.min(90, Math.floor(low / 10) * 10), 100];
}

function themeColours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    blue: colour("--blue"),
    orange: colour("--orange"),
    text: colour("--text-soft"),
    grid: colour("--line"),
  };
}
