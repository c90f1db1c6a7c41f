/** The whole description, fetched when somebody asks for it: a session itself needs the names only. */

import { Downloads, corrupt, loadManifest, missing } from "./assets.js";
import { version } from "./generated/version.js";

/** @import { Description } from "./description.js" */

const NAME = "loom/generated/description.json";

/** The description that lies beside the other files of a session. */
export class DescriptionFile {
  #assetBase;
  /** @type {Description | undefined} */
  #description;

  /** @param {string} assetBase URL of the folder that holds manifest.json, ending in "/" */
  constructor(assetBase) {
    this.#assetBase = assetBase;
  }

  /**
   * @returns {Promise<Description>} the same object at every call
   * @throws {LoomError} `asset_missing` or `asset_corrupt`, naming the file
   */
  async load() {
    if (this.#description) return this.#description;
    const manifest = await loadManifest(this.#assetBase);
    const downloads = new Downloads(this.#assetBase, manifest, new RegExp(`^${NAME}$`));
    const bytes = await downloads.file(new URL(NAME, this.#assetBase));
    if (!bytes) throw corrupt("manifest.json", `it does not list ${NAME}`);
    return this.#keep(new TextDecoder().decode(bytes));
  }

  /**
   * The same for those who read `loom.description` without waiting: the page stands still while the
   * file comes, and its SHA-256, which takes a promise, is not looked at.
   *
   * @returns {Description}
   * @throws {LoomError} `asset_missing` or `asset_corrupt`, naming the file
   */
  loadAtOnce() {
    if (this.#description) return this.#description;
    const url = new URL(NAME, this.#assetBase);
    const request = new XMLHttpRequest();
    request.open("GET", url, false);
    try {
      request.send();
    } catch (cause) {
      throw missing(NAME, url, "the server did not answer", cause);
    }
    if (request.status !== 200) throw missing(NAME, url, `the server answered ${request.status}`);
    return this.#keep(request.responseText);
  }

  /** @param {string} text */
  #keep(text) {
    /** @type {Description} */
    let description;
    try {
      description = JSON.parse(text);
    } catch (cause) {
      throw corrupt(NAME, "it is not JSON", cause);
    }
    if (description.version !== version) {
      throw corrupt(NAME, `it is of release ${description.version}, and this script of ${version}`);
    }
    return (this.#description ??= description);
  }
}
