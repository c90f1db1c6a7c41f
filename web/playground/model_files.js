/**
 * Save the network as a string (text box, clipboard, file) and load one (paste, file, drag and
 * drop). Names and messages that come from a file are shown as text, never as markup.
 */

import { MAX_MODEL_CHARACTERS } from "./current_network.js";
import { PageError, describeError } from "./errors.js";
import { formatCount, formatMegabytes } from "./words.js";

/** What helps with most texts that are no model. */
const LOADING_HINT =
  "Paste the whole text of a saved model, or open the file that it was saved to.";

/**
 * @typedef {object} ModelFileElements
 * @property {HTMLInputElement} id
 * @property {HTMLTextAreaElement} text
 * @property {HTMLButtonElement} save
 * @property {HTMLButtonElement} copy
 * @property {HTMLButtonElement} download
 * @property {HTMLButtonElement} load
 * @property {HTMLInputElement} file
 * @property {HTMLElement} dropZone
 * @property {HTMLElement} message
 * @property {HTMLElement} hint
 */

/**
 * @typedef {object} ModelFileActions
 * @property {(id: string) => Promise<string>} save
 * @property {(text: string, id: string) => Promise<string>} load gives the id that was loaded
 */

export class ModelFiles {
  #elements;
  #actions;

  /**
   * @param {ModelFileElements} elements
   * @param {ModelFileActions} actions
   */
  constructor(elements, actions) {
    this.#elements = elements;
    this.#actions = actions;
    const { save, copy, download, load, file, dropZone, text } = elements;
    save.addEventListener("click", () => this.#try("Saving", () => this.#save()));
    copy.addEventListener("click", () => this.#try("Copying", () => this.#copy()));
    download.addEventListener("click", () => this.#try("Saving", () => this.#download()));
    load.addEventListener("click", () => this.#try("Loading", () => this.#load(text.value)));
    file.addEventListener("change", () => {
      const chosen = file.files?.[0];
      if (chosen) void this.#try("Loading", () => this.#loadFile(chosen));
      file.value = ""; // the same file can be chosen again
    });
    dropZone.addEventListener("dragover", (event) => {
      event.preventDefault();
      dropZone.dataset["drop"] = "over";
    });
    dropZone.addEventListener("dragleave", () => delete dropZone.dataset["drop"]);
    dropZone.addEventListener("drop", (event) => {
      event.preventDefault();
      delete dropZone.dataset["drop"];
      const dropped = event.dataTransfer?.files[0];
      const words = event.dataTransfer?.getData("text/plain") ?? "";
      if (load.disabled) return;
      void this.#try("Loading", () => (dropped ? this.#loadFile(dropped) : this.#load(words)));
    });
  }

  async #save() {
    const { id, text } = this.#elements;
    text.value = await this.#actions.save(this.#id());
    return `“${id.value}” saved as ${formatCount(text.value.length)} characters of text.`;
  }

  async #copy() {
    const { text } = this.#elements;
    if (text.value === "") await this.#save();
    try {
      await navigator.clipboard.writeText(text.value);
    } catch (error) {
      // DOMException: not allowed. TypeError: no clipboard, as on plain http.
      if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
      text.select();
      throw new PageError(
        "The browser did not let the page copy.",
        "The text is selected: press Ctrl+C, or ⌘C on a Mac.",
        { cause: error },
      );
    }
    return `Copied ${formatCount(text.value.length)} characters.`;
  }

  async #download() {
    const name = this.#id();
    const blob = new Blob([await this.#actions.save(name)], { type: "application/json" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${name.replace(/[^\p{L}\p{N}_-]+/gu, "_")}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
    return `Saved as ${link.download} (${formatMegabytes(blob.size)}).`;
  }

  /** @param {string} words */
  async #load(words) {
    const loaded = await this.#actions.load(words, this.#elements.id.value.trim());
    this.#elements.id.value = loaded;
    return `“${loaded}” loaded. Draw a digit to try it, or train it further.`;
  }

  /** @param {File} file */
  async #loadFile(file) {
    if (file.size > MAX_MODEL_CHARACTERS) {
      throw new PageError(
        `${file.name} has ${formatMegabytes(file.size)}; this page takes at most ` +
          `${formatMegabytes(MAX_MODEL_CHARACTERS)}.`,
        "Open a smaller model.",
      );
    }
    const words = await file.text();
    const message = await this.#load(words);
    this.#elements.text.value = words;
    return message;
  }

  /** The name to save under. */
  #id() {
    const id = this.#elements.id.value.trim();
    if (id === "") throw new PageError("The model has no name.", "Write one into Model name.");
    return id;
  }

  /**
   * @param {string} doing
   * @param {() => Promise<string>} action gives the sentence to show when it worked
   */
  async #try(doing, action) {
    const { message, hint, dropZone } = this.#elements;
    dropZone.dataset["result"] = "busy";
    message.textContent = `${doing} …`;
    hint.textContent = "";
    try {
      message.textContent = await action();
      dropZone.dataset["result"] = "done";
    } catch (error) {
      const words = describeError(error);
      message.textContent = `${doing} did not work. ${words.message}`;
      hint.textContent = words.hint || (doing === "Loading" ? LOADING_HINT : "");
      dropZone.dataset["result"] = "error";
    }
  }
}
