/**
 * Measures all contenders in turn: each round takes one sample of each series of each contender, so
 * that whatever disturbs the machine disturbs all of them alike.
 *
 * Address parameters: `peers` and `only` (names with commas), `rounds`, `quick`, `gpu` (contenders on
 * WebGPU, instead of those on a CPU thread). The result is shown as JSON and left in
 * `window.benchResult`; what happens meanwhile is in `window.benchLog`.
 */

/** @import { Frame } from "./contender.js" */
/**
 * @typedef {object} Series
 * @property {string} workload
 * @property {string} contender
 * @property {string} series
 * @property {number} steps calls of a step in a sample
 * @property {number} parts steps in a call
 * @property {number} firstMs
 * @property {number[]} ms a step, of each round
 * @property {number} [flops] of a step
 *
 * @typedef {object} Meeting
 * @property {string} workload
 * @property {string} contender
 * @property {number[]} [losses]
 * @property {string} [notes]
 * @property {string} [missing] why there are no times
 */

const WORKLOADS = ["W1", "W2", "W3", "W4", "W5", "W6", "GEMM", "shapes"];
const CONTENDERS = [
  ...["loom-simd", "loom-api", "loom-api-sync", "loom-numpy", "peak"],
  ...["jax-js", "tfjs-wasm", "ort-wasm", "ort119-train", "brain.js", "plain-js"],
];
const ON_GPU = ["loom-webgpu", "loom-webgpu-api", "jax-js-webgpu", "raw-webgpu"];

const asked = new URLSearchParams(location.search);
const quick = asked.has("quick");
const rounds = Number(asked.get("rounds") ?? (quick ? 2 : 5));
const lengths = quick ? { sampleMs: 5, warmMs: 10 } : { sampleMs: 100, warmMs: 200 };

/** @type {string[]} */
const log = [];
/** @type {Series[]} */
const series = [];
/** @type {Meeting[]} */
const meetings = [];
/** @type {Record<string, string>} */
const versions = {};
/** @type {Map<string, Frame>} */
const frames = new Map();

/** @param {string} name @param {string[]} all @returns {string[]} */
function chosen(name, all) {
  const names = asked.get(name)?.split(",") ?? all;
  const unknown = names.filter((each) => !all.includes(each));
  if (unknown.length) throw new Error(`${name}: no such name: ${unknown.join(", ")}`);
  return all.filter((each) => names.includes(each));
}

/** @param {string} text */
function say(text) {
  log.push(text);
  const line = document.createElement("div");
  line.textContent = text;
  document.querySelector("#log")?.append(line);
}

/** @param {unknown} error */
const brief = (error) => String(error).split("\n")[0].slice(0, 300);

/** @param {string} name @returns {Promise<Frame>} */
async function openFrame(name) {
  const element = document.createElement("iframe");
  element.src = "contender.html";
  element.title = name;
  const loaded = new Promise((done) => element.addEventListener("load", done));
  document.querySelector("#frames")?.append(element);
  await loaded;
  const { frame } = /** @type {Window & { frame?: Frame }} */ (element.contentWindow);
  if (!frame) throw new Error("the frame has no contender in it");
  return frame;
}

/** @param {string[]} names */
async function startAll(names) {
  for (const name of names) {
    try {
      const frame = await openFrame(name);
      versions[name] = await frame.start(/** @type {never} */ (name));
      frames.set(name, frame);
      say(`${name}: ${versions[name]}`);
    } catch (error) {
      meetings.push({ workload: "all", contender: name, missing: brief(error) });
      say(`${name} does not start: ${brief(error)}`);
    }
  }
}

/** @param {string} workload */
async function measure(workload) {
  /** @type {Series[]} */
  const here = [];
  for (const [contender, frame] of frames) {
    try {
      const ready = await frame.prepare(workload);
      if (!ready) continue;
      const { series: names, losses, notes, flops, parts } = ready;
      meetings.push({ workload, contender, losses, notes });
      for (const name of names) {
        const { firstMs, steps } = await frame.warmUp(name, lengths);
        const counted = flops && { flops: flops[name] };
        const made = { steps, parts: parts?.[name] ?? 1, firstMs, ms: [], ...counted };
        here.push({ workload, contender, series: name, ...made });
      }
      say(`${workload} ${contender}: ready`);
    } catch (error) {
      meetings.push({ workload, contender, missing: brief(error) });
      say(`${workload} ${contender}: ${brief(error)}`);
    }
  }
  for (let round = 0; round < rounds; round++) {
    // Another one begins each time.
    for (const [i] of here.entries()) {
      const each = here[(i + round * 3) % here.length];
      const frame = /** @type {Frame} */ (frames.get(each.contender));
      each.ms.push((await frame.sample(each.series, each.steps)) / each.parts);
    }
  }
  for (const frame of frames.values()) frame.dispose();
  series.push(...here);
  say(`${workload}: ${here.length} series, ${rounds} rounds`);
}

async function run() {
  const workloads = chosen("only", WORKLOADS);
  await startAll(chosen("peers", asked.has("gpu") ? ON_GPU : CONTENDERS));
  for (const workload of workloads) await measure(workload);
  const browser = navigator.userAgent;
  return { date: new Date().toISOString(), browser, rounds, lengths, versions, meetings, series };
}

export {};
Object.assign(window, { benchLog: log });
const result = await run().catch((error) => ({ error: brief(error) }));
Object.assign(window, { benchResult: result });
const shown = document.querySelector("#result");
if (shown) shown.textContent = JSON.stringify(result, null, 1);
