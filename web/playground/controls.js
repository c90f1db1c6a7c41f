/**
 * Form controls made from the property table, and the address kept in step with them.
 */

import { PROPERTIES, defaultSettings, parseValue, readHash, writeHash } from "./state.js";
import { formatCount } from "./words.js";

/** @typedef {import("./state.js").Property} Property */
/** @typedef {import("./state.js").Settings} Settings */

/** A slider sends many changes; the address follows when it rests. */
const ADDRESS_DELAY_MS = 300;

export class Controls {
  #onChange;
  /** @type {Settings} */
  #settings;
  /** @type {Map<keyof Settings, (value: string | number) => void>} */
  #show = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #addressTimer;

  /**
   * @param {Readonly<Record<Property["group"], HTMLElement>>} groups where each group's controls go
   * @param {(changed: ReadonlySet<keyof Settings>) => void} onChange called after the reader, the
   * address or a reset changed something
   * @param {(notes: string[]) => void} onNotes told, in words, what of the address was not used
   */
  constructor(groups, onChange, onNotes) {
    this.#onChange = onChange;
    const { settings, notes } = readHash(location.hash);
    this.#settings = settings;
    onNotes(notes);
    for (const property of PROPERTIES) groups[property.group].append(this.#makeField(property));
    this.#showAll();
    addEventListener("popstate", () => {
      const address = readHash(location.hash);
      onNotes(address.notes);
      this.#replaceAll(address.settings);
    });
  }

  get settings() {
    return this.#settings;
  }

  /** Back to the defaults. */
  reset() {
    this.#replaceAll(defaultSettings());
    this.#writeAddress();
  }

  /** @param {Property} property */
  #makeField(property) {
    const field = document.createElement("div");
    field.className = "field";
    const label = document.createElement("label");
    const input = property.choices ? makeSelect(property.choices) : makeNumber(property);
    input.id = `setting-${property.name}`;
    label.htmlFor = input.id;
    label.textContent = property.label;
    field.append(label);
    /** @type {HTMLOutputElement | null} */
    let output = null;
    if (property.control === "slider") {
      output = document.createElement("output");
      output.htmlFor.add(input.id);
      field.append(output);
    }
    field.append(input);
    if (property.help !== "") {
      const help = document.createElement("p");
      help.className = "help";
      help.id = `${input.id}-help`;
      help.textContent = property.help;
      input.setAttribute("aria-describedby", help.id);
      field.append(help);
    }
    this.#show.set(property.name, (value) => {
      input.value = String(value);
      if (output) output.textContent = formatCount(Number(value));
    });
    // A slider's number follows the thumb; the setting changes when it is let go.
    input.addEventListener("input", () => {
      if (output) output.textContent = formatCount(Number(input.value));
    });
    input.addEventListener("change", () => this.#set(property, input.value));
    return field;
  }

  /**
   * @param {Property} property
   * @param {string} text
   */
  #set(property, text) {
    const value = parseValue(property, text) ?? property.default;
    const changed = value !== this.#settings[property.name];
    this.#settings = { ...this.#settings, [property.name]: value };
    this.#show.get(property.name)?.(value); // also when clamped back to what it was
    if (!changed) return;
    this.#onChange(new Set([property.name]));
    clearTimeout(this.#addressTimer);
    if (property.name === "network") this.#writeAddress();
    else this.#addressTimer = setTimeout(() => this.#replaceAddress(), ADDRESS_DELAY_MS);
  }

  /** @param {Settings} settings */
  #replaceAll(settings) {
    const before = this.#settings;
    this.#settings = settings;
    this.#showAll();
    const changed = PROPERTIES.map((property) => property.name).filter(
      (name) => before[name] !== settings[name],
    );
    if (changed.length > 0) this.#onChange(new Set(changed));
  }

  #showAll() {
    for (const [name, show] of this.#show) show(this.#settings[name]);
  }

  /** A step that the back button takes back. */
  #writeAddress() {
    history.pushState(null, "", writeHash(this.#settings));
  }

  #replaceAddress() {
    history.replaceState(null, "", writeHash(this.#settings));
  }
}

/** @param {readonly import("./state.js").Choice[]} choices */
function makeSelect(choices) {
  const select = document.createElement("select");
  for (const { value, label } of choices) select.add(new Option(label, String(value)));
  return select;
}

/** @param {Property} property */
function makeNumber({ control, min = 0, max = 0, step = 1 }) {
  const input = document.createElement("input");
  input.type = control === "slider" ? "range" : "number";
  Object.assign(input, { min: String(min), max: String(max), step: String(step) });
  if (control === "box") input.inputMode = "numeric";
  return input;
}
