/**
 * A network's blueprint as a picture: its grid of cells, each a stack of layers, drawn with boxes
 * that are also a list, so that it reads the same for those who cannot see it.
 */

import { formatCount } from "./words.js";

/** @typedef {import("../loom/generated/api.js").ModelTelemetry} Blueprint */
/** @typedef {import("../loom/generated/api.js").LayerTelemetry} BlueprintLayer */

/** More layers than this are summed up in a sentence: nobody reads a thousand boxes. */
const MOST_BOXES = 200;

/** What a layer is for, by its type; gives the box its colour. */
const FAMILIES = new Map([
  ["dense", "mixing"],
  ["swiglu", "mixing"],
  ["embedding", "mixing"],
  ["conv1d", "looking"],
  ["conv2d", "looking"],
  ["multi_head_attention", "looking"],
  ["rnn", "remembering"],
  ["lstm", "remembering"],
  ["gru", "remembering"],
  ["softmax", "shaping"],
  ["layer_norm", "shaping"],
  ["rms_norm", "shaping"],
  ["batch_norm", "shaping"],
  ["dropout", "shaping"],
]);

/**
 * Draw a blueprint in place of what is there.
 *
 * @param {HTMLElement} place
 * @param {Blueprint} blueprint
 */
export function showBlueprint(place, { Layers: layers }) {
  const drawn = layers.slice(0, MOST_BOXES);
  /** @type {Map<string, HTMLElement>} */
  const cells = new Map();
  for (const layer of drawn) {
    const key = `${layer.GridRow},${layer.GridCol}`;
    let cell = cells.get(key);
    if (!cell) {
      cell = document.createElement("ol");
      cell.className = "cell";
      cell.setAttribute("aria-label", `Cell ${layer.GridRow}, ${layer.GridCol}`);
      cell.style.gridRow = String(layer.GridRow + 1);
      cell.style.gridColumn = String(layer.GridCol + 1);
      cells.set(key, cell);
    }
    cell.append(box(layer));
  }
  place.replaceChildren(...cells.values());
  if (drawn.length < layers.length) {
    const rest = document.createElement("p");
    rest.textContent = `and ${formatCount(layers.length - drawn.length)} more layers`;
    place.append(rest);
  }
}

/**
 * @param {BlueprintLayer} layer
 * @param {string} role what it is to the layer that it is in, if not a branch
 * @returns {HTMLLIElement}
 */
function box(layer, role = "") {
  const item = document.createElement("li");
  item.className = "layer";
  item.dataset["family"] = FAMILIES.get(layer.TypeName) ?? "joining";
  const name = role ? `${role}: ${layer.Type}` : layer.Type;
  item.append(line("strong", layer.Activation ? `${name} · ${layer.Activation}` : name));
  const marks = [...(layer.Frozen ? ["frozen"] : []), ...(layer.Disabled ? ["off"] : [])];
  if (marks.length > 0) item.append(line("span", marks.join(", ")));
  if (layer.InputShape.length > 0 && layer.OutputShape.length > 0) {
    item.append(line("span", `${layer.InputShape.join("×")} → ${layer.OutputShape.join("×")}`));
  }
  if (layer.Parameters > 0) item.append(line("span", `${formatCount(layer.Parameters)} weights`));
  if (layer.Branches.length > 0) {
    if (layer.CombineMode) item.append(line("span", `branches, joined by ${layer.CombineMode}`));
    const branches = document.createElement("ol");
    branches.className = "branches";
    branches.append(...layer.Branches.map((branch) => box(branch)));
    if (layer.Gate) branches.append(box(layer.Gate, "Gate"));
    item.append(branches);
  }
  return item;
}

/**
 * @param {"strong" | "span"} tag
 * @param {string} text
 */
function line(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}
