/**
 * The page: brings the parts together. Everything that needs no Python works at once; the library
 * and the digits arrive while the reader looks around.
 */

import { TrainingChart } from "./chart.js";
import { Controls } from "./controls.js";
import { HELD_OUT_COUNT, loadDigits } from "./digits.js";
import { DrawingPad, showDigit } from "./draw.js";
import { element } from "./elements.js";
import { TrainingHistory } from "./history.js";
import { Inside } from "./inside.js";
import { listenForKeys } from "./keys.js";
import { loadChartLibrary, startLoom } from "./library.js";
import { ModelFiles } from "./model_files.js";
import { nextTask } from "./next_task.js";
import { Predictions } from "./predict.js";
import { preset } from "./presets.js";
import { Session } from "./session.js";
import { Status } from "./status.js";
import { formatPercent } from "./words.js";

const DIGITS_FILE = new URL("../data/digits.bin", import.meta.url);

const status = new Status({
  line: element("status", HTMLElement),
  text: element("status-text", HTMLElement),
  progress: element("status-progress", HTMLProgressElement),
  error: element("error", HTMLElement),
  errorMessage: element("error-message", HTMLElement),
  errorHint: element("error-hint", HTMLElement),
  retry: element("retry", HTMLButtonElement),
  announcer: element("announcer", HTMLElement),
});
const runButton = element("run", HTMLButtonElement);
const stopButton = element("stop", HTMLButtonElement);
const resetButton = element("reset", HTMLButtonElement);
const sampleButton = element("sample", HTMLButtonElement);
const settingFields = element("settings", HTMLFieldSetElement);
const modelFields = element("model-fields", HTMLFieldSetElement);
const sampleLabel = element("sample-label", HTMLElement);

const history = new TrainingHistory();
const chartElements = {
  loss: element("loss-chart", HTMLElement),
  accuracy: element("accuracy-chart", HTMLElement),
  rate: element("rate-chart", HTMLElement),
  summary: element("chart-summary", HTMLElement),
  rows: element("history-rows", HTMLTableSectionElement),
};

const insideElements = {
  blueprint: element("blueprint", HTMLElement),
  rows: element("layer-rows", HTMLTableSectionElement),
  findings: element("findings", HTMLElement),
};

/** @type {Session | null} null until Python, the digits and the first network are there */
let session = null;
/** @type {TrainingChart | null} null until the chart module is there */
let chart = null;

const controls = new Controls(
  {
    network: element("network-settings", HTMLElement),
    training: element("training-settings", HTMLElement),
    chart: element("chart-settings", HTMLElement),
  },
  (changed) => {
    showExplanation();
    if (changed.has("lossScale")) chart?.setLossScale(controls.settings.lossScale);
    if (changed.has("network") || changed.has("seed")) act("Building the network", "rebuild");
  },
  (notes) => {
    element("link-notes", HTMLElement).textContent = notes.join(" ");
  },
);
const pad = new DrawingPad(
  element("pad", HTMLCanvasElement),
  element("pad-cursor", HTMLElement),
  () => {
    showDigit(element("seen", HTMLCanvasElement), pad.input());
    if (!pad.showsSample) sampleLabel.textContent = "";
    predictDrawing();
  },
);
const predictions = new Predictions(
  {
    rows: element("probabilities", HTMLTableSectionElement),
    verdict: element("verdict", HTMLElement),
  },
  (error) => status.error(error, "Reading the digit", null),
);

function predictDrawing() {
  const ready = session;
  const picture = { input: pad.input(), revision: pad.revision };
  if (ready) predictions.request(picture, (input) => ready.predict(input));
}

function showExplanation() {
  const { explanation } = preset(controls.settings.network);
  element("network-explanation", HTMLElement).textContent = explanation;
}

/** Enable exactly what can be used now. */
function showButtons() {
  const state = session?.state ?? "idle";
  runButton.disabled = resetButton.disabled = session === null;
  runButton.textContent = { idle: "Train", training: "Pause", paused: "Go on" }[state];
  stopButton.disabled = state === "idle";
  settingFields.disabled = state !== "idle";
  modelFields.disabled = session === null || state !== "idle";
}

/**
 * @param {number | null} accuracy
 * @param {boolean} final
 */
function showAccuracy(accuracy, final) {
  const { dataset } = document.documentElement;
  delete dataset["accuracy"];
  if (accuracy !== null && final) dataset["accuracy"] = String(accuracy);
  const score = element("accuracy", HTMLElement);
  score.dataset["measured"] = String(accuracy !== null);
  score.textContent = accuracy === null ? "not measured yet" : formatPercent(accuracy);
}

/**
 * Let the session do something, and say so when it fails.
 *
 * @param {string} doing
 * @param {"runOrPause" | "stop" | "rebuild"} action
 */
function act(doing, action) {
  session?.[action]().catch((error) => {
    status.error(error, doing, null);
    showButtons();
  });
}

async function start() {
  session = null;
  showButtons();
  status.show("loading", "Starting …");
  const giveUp = new AbortController();
  const loomLoading = startLoom(giveUp.signal, (progress) => status.startUp(progress));
  try {
    const [loom, digits] = await Promise.all([loomLoading, loadDigits(DIGITS_FILE), makeChart()]);
    const started = new Session(loom, digits, history, () => controls.settings, {
      status,
      showButtons,
      showHistory: () => chart?.update(),
      showAccuracy,
      predict: predictDrawing,
      inside: new Inside(insideElements, loom, (error) =>
        status.error(error, "Looking inside", null),
      ),
    });
    await started.rebuild();
    session = started;
    showButtons();
    predictDrawing();
    connectSamples(digits);
  } catch (error) {
    giveUp.abort();
    // What did start is of no use without the rest; a retry begins from nothing.
    loomLoading.then(
      (loom) => loom.terminate(),
      () => undefined, // it is the error being reported, or the abort above
    );
    status.error(error, "Starting", () => void start());
  }
}

async function makeChart() {
  const UPlot = await loadChartLibrary();
  await nextTask(); // evaluating the module and drawing the first chart are two tasks, not one
  chart ??= new TrainingChart(UPlot, chartElements, history, controls.settings.lossScale);
}

/** @param {import("./digits.js").Digits} digits */
function connectSamples(digits) {
  sampleButton.disabled = false;
  sampleButton.onclick = () => {
    const { input, label } = digits.heldOutDigit(Math.floor(Math.random() * HELD_OUT_COUNT));
    pad.showSample(input);
    sampleLabel.textContent = `Somebody wrote a ${label}.`;
  };
}

runButton.addEventListener("click", () => act("Training", "runOrPause"));
stopButton.addEventListener("click", () => act("Stopping", "stop"));
resetButton.addEventListener("click", () => act("Building the network", "rebuild"));
element("clear", HTMLButtonElement).addEventListener("click", () => pad.clear());
element("default-settings", HTMLButtonElement).addEventListener("click", () => controls.reset());
listenForKeys(
  {
    runOrPause: () => act("Training", "runOrPause"),
    stop: () => act("Stopping", "stop"),
    reset: () => act("Building the network", "rebuild"),
  },
  {
    dialog: element("help", HTMLDialogElement),
    open: element("help-open", HTMLButtonElement),
    enabled: element("shortcuts-enabled", HTMLInputElement),
  },
);
new ModelFiles(
  {
    id: element("model-id", HTMLInputElement),
    text: element("model-text", HTMLTextAreaElement),
    save: element("model-save", HTMLButtonElement),
    copy: element("model-copy", HTMLButtonElement),
    download: element("model-download", HTMLButtonElement),
    load: element("model-load", HTMLButtonElement),
    file: element("model-file", HTMLInputElement),
    dropZone: modelFields,
    message: element("model-message", HTMLElement),
    hint: element("model-hint", HTMLElement),
  },
  {
    save: (id) => needSession().save(id),
    load: (text, id) => needSession().load(text, id),
  },
);

function needSession() {
  if (!session) throw new Error("internal: used before the start-up was done");
  return session;
}

// Where the columns stand below each other, the many settings would push the rest out of sight.
if (matchMedia("(max-width: 70rem)").matches) {
  element("training-details", HTMLDetailsElement).open = false;
}
showExplanation();
void start();
