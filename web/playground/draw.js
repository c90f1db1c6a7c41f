/**
 * The drawing pad: a digit drawn with mouse, finger, pen or keyboard, or a held-out digit shown.
 */

import { digitFromStrokes, drawStrokes } from "./normalize_digit.js";
import { DIGIT_SIZE } from "./presets.js";

/** Side of the pad in its own units, whatever its size on the screen. */
export const PAD_SIZE = 280;
/** Canvas pixels along one unit, so that strokes stay sharp on dense screens. */
const PIXELS_PER_UNIT = 2;
const STROKE_WIDTH = 20;
/** One arrow key: one pixel of a digit. */
const KEY_STEP = PAD_SIZE / DIGIT_SIZE;

/** @type {Readonly<Record<string, readonly [number, number]>>} */
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class DrawingPad {
  #canvas;
  #context;
  #cursor;
  #onChange;
  /** @type {{x: number, y: number}[][]} */
  #strokes = [];
  /** @type {{x: number, y: number}[] | null} the stroke under way */
  #stroke = null;
  /** @type {Float32Array | null} */
  #sample = null;
  /** @type {Float32Array | null} what input() gives, worked out once a change */
  #input = null;
  #keyboard = { x: PAD_SIZE / 2, y: PAD_SIZE / 2 };
  #redrawAsked = false;
  #revision = 0;

  /**
   * @param {HTMLCanvasElement} canvas focusable; its CSS must say `touch-action: none`
   * @param {HTMLElement} cursor laid over the canvas: shows where the keyboard paints
   * @param {() => void} onChange called once a frame at most, after the picture changed
   */
  constructor(canvas, cursor, onChange) {
    canvas.width = canvas.height = PAD_SIZE * PIXELS_PER_UNIT;
    const context = canvas.getContext("2d");
    if (!context) throw new Error("internal: no 2d context");
    this.#canvas = canvas;
    this.#context = context;
    this.#cursor = cursor;
    this.#onChange = onChange;
    canvas.addEventListener("pointerdown", (event) => this.#pointerDown(event));
    canvas.addEventListener("pointermove", (event) => this.#pointerMove(event));
    for (const type of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(type, () => this.#liftPen());
    }
    canvas.addEventListener("keydown", (event) => this.#keyDown(event));
    canvas.addEventListener("keyup", (event) => {
      if (event.key === " ") this.#liftPen();
    });
    canvas.addEventListener("blur", () => this.#liftPen());
    this.#moveCursor();
  }

  /** @returns {Float32Array | null} 784 grey values as the network takes them; null when empty */
  input() {
    return this.#input;
  }

  /** Counts the changes, so that a prediction can tell which picture it is of. */
  get revision() {
    return this.#revision;
  }

  /** True while a digit given to showSample() is on the pad. */
  get showsSample() {
    return this.#sample !== null;
  }

  clear() {
    this.#liftPen();
    this.#strokes = [];
    this.#sample = null;
    this.#redraw();
  }

  /** @param {Float32Array} input 784 grey values, shown and predicted as they are */
  showSample(input) {
    this.clear();
    this.#sample = input;
  }

  /** @param {PointerEvent} event */
  #pointerDown(event) {
    if (!event.isPrimary || event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#beginStroke(this.#toPad(event));
  }

  /** @param {PointerEvent} event */
  #pointerMove(event) {
    if (!this.#stroke || !event.isPrimary || event.buttons === 0) return;
    const events = event.getCoalescedEvents();
    for (const part of events.length > 0 ? events : [event]) this.#stroke.push(this.#toPad(part));
    this.#redraw();
  }

  /** @param {PointerEvent} event */
  #toPad(event) {
    const box = this.#canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * PAD_SIZE,
      y: ((event.clientY - box.top) / box.height) * PAD_SIZE,
    };
  }

  /** @param {KeyboardEvent} event */
  #keyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      const move = (/** @type {number} */ at, /** @type {number} */ by) =>
        Math.min(PAD_SIZE, Math.max(0, at + by * KEY_STEP));
      this.#keyboard = { x: move(this.#keyboard.x, arrow[0]), y: move(this.#keyboard.y, arrow[1]) };
      this.#moveCursor();
      if (this.#stroke) {
        this.#stroke.push(this.#keyboard);
        this.#redraw();
      }
    } else if (event.key === " ") {
      if (!event.repeat && !this.#stroke) this.#beginStroke(this.#keyboard);
    } else if (event.key === "Enter") {
      // For those who cannot hold one key and press another.
      if (this.#stroke) this.#liftPen();
      else this.#beginStroke(this.#keyboard);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
    } else return;
    event.preventDefault();
  }

  /** @param {{x: number, y: number}} point */
  #beginStroke(point) {
    if (this.#sample) this.clear();
    this.#stroke = [point];
    this.#strokes.push(this.#stroke);
    this.#cursor.dataset["pen"] = "down";
    this.#redraw();
  }

  #liftPen() {
    this.#stroke = null;
    this.#cursor.dataset["pen"] = "up";
  }

  #moveCursor() {
    this.#cursor.style.left = `${(this.#keyboard.x / PAD_SIZE) * 100}%`;
    this.#cursor.style.top = `${(this.#keyboard.y / PAD_SIZE) * 100}%`;
  }

  #redraw() {
    this.#revision++;
    this.#canvas.dataset["revision"] = String(this.#revision);
    if (this.#redrawAsked) return;
    this.#redrawAsked = true;
    requestAnimationFrame(() => {
      this.#redrawAsked = false;
      const context = this.#context;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
      context.scale(PIXELS_PER_UNIT, PIXELS_PER_UNIT);
      context.strokeStyle = getComputedStyle(this.#canvas).color;
      if (this.#sample) {
        context.imageSmoothingEnabled = true;
        context.drawImage(digitPicture(this.#sample), 0, 0, PAD_SIZE, PAD_SIZE);
      } else drawStrokes(context, this.#strokes, STROKE_WIDTH);
      this.#input = this.#sample ?? digitFromStrokes(this.#strokes, PAD_SIZE);
      this.#canvas.dataset["empty"] = String(this.#input === null);
      this.#onChange();
    });
  }
}

/**
 * @param {Float32Array} input 784 grey values
 * @returns {HTMLCanvasElement} 28 x 28, white ink on nothing
 */
function digitPicture(input) {
  const picture = document.createElement("canvas");
  picture.width = picture.height = DIGIT_SIZE;
  showDigit(picture, input);
  return picture;
}

/**
 * Paint a digit on a 28 x 28 canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array | null} input 784 grey values; null leaves it empty
 */
export function showDigit(canvas, input) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("internal: no 2d context");
  const image = context.createImageData(DIGIT_SIZE, DIGIT_SIZE);
  input?.forEach((grey, at) => image.data.set([255, 255, 255, Math.round(grey * 255)], at * 4));
  context.putImageData(image, 0, 0);
}
