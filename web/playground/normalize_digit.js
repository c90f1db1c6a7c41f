/**
 * From a drawing to what the network was trained on. MNIST digits are scaled into a box of 20 x 20
 * pixels and placed in 28 x 28 with their centre of mass in the middle; a drawing that is not
 * treated the same is read wrongly, however clear it is.
 *
 * The strokes are drawn anew at the right size rather than shrunk as pixels, so that a small
 * drawing gets strokes of the same width as a large one.
 */

import { DIGIT_SIZE, INPUT_SIZE } from "./presets.js";

/** @typedef {readonly {x: number, y: number}[]} Stroke points of one stroke, in pad units */

/** Fine pixels along one pixel of the digit: the average of 10 x 10 gives soft edges. */
const FINE = 10;
const FINE_SIZE = DIGIT_SIZE * FINE;
/** Longest side of the box that holds the ink, in digit pixels. */
const BOX = 20;
/** Width of a stroke in digit pixels: near the mean of the MNIST digits. */
const STROKE_WIDTH = 2.6;
/** Ink is not blown up more than this, so that a dot stays a dot. */
const MAX_SCALE = 4;
const OPAQUE = 255;

/**
 * @param {readonly Stroke[]} strokes
 * @param {number} padSize side of the square that the points lie in
 * @returns {Float32Array | null} 784 grey values, 0 (paper) to 1 (ink); null when there is no ink
 */
export function digitFromStrokes(strokes, padSize) {
  const points = strokes.flat();
  if (points.length === 0) return null;
  const ink = drawFine(strokes, bounds(points), padSize);
  return averageAround(ink, centreOfMass(ink));
}

/** @param {readonly {x: number, y: number}[]} points */
function bounds(points) {
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  // Spreading thousands of numbers into Math.min can overflow the stack; reduce cannot.
  const least = (/** @type {number[]} */ all) => all.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (/** @type {number[]} */ all) => all.reduce((a, b) => Math.max(a, b), -Infinity);
  return { left: least(xs), right: most(xs), top: least(ys), bottom: most(ys) };
}

/**
 * Draw the strokes on a 280 x 280 grid with their box in the middle.
 *
 * @param {readonly Stroke[]} strokes
 * @param {{left: number, right: number, top: number, bottom: number}} box
 * @param {number} padSize
 * @returns {Uint8Array} FINE_SIZE x FINE_SIZE, 0 to 255
 */
function drawFine(strokes, box, padSize) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = FINE_SIZE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("internal: no 2d context");
  const longest = Math.max(box.right - box.left, box.bottom - box.top, 1);
  // The stroke's width lies half outside the points on either side.
  const scale = Math.min(
    ((BOX - STROKE_WIDTH) * FINE) / longest,
    (MAX_SCALE * FINE_SIZE) / padSize,
  );
  context.translate(FINE_SIZE / 2, FINE_SIZE / 2);
  context.scale(scale, scale);
  context.translate(-(box.left + box.right) / 2, -(box.top + box.bottom) / 2);
  drawStrokes(context, strokes, (STROKE_WIDTH * FINE) / scale);
  const rgba = context.getImageData(0, 0, FINE_SIZE, FINE_SIZE).data;
  const alpha = new Uint8Array(FINE_SIZE * FINE_SIZE);
  for (let at = 0; at < alpha.length; at++) alpha[at] = rgba[at * 4 + 3] ?? 0;
  return alpha;
}

/**
 * @param {CanvasRenderingContext2D} context strokes take its stroke style
 * @param {readonly Stroke[]} strokes
 * @param {number} width in the context's current units
 */
export function drawStrokes(context, strokes, width) {
  context.lineWidth = width;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const [first, ...rest] of strokes) {
    if (!first) continue;
    context.beginPath();
    context.moveTo(first.x, first.y);
    context.lineTo(first.x, first.y); // a single point is drawn as a dot
    for (const point of rest) context.lineTo(point.x, point.y);
    context.stroke();
  }
}

/**
 * @param {Uint8Array} ink
 * @returns {{x: number, y: number}} in fine pixels
 */
function centreOfMass(ink) {
  let mass = 0;
  let sumX = 0;
  let sumY = 0;
  ink.forEach((value, at) => {
    mass += value;
    sumX += value * (at % FINE_SIZE);
    sumY += value * Math.floor(at / FINE_SIZE);
  });
  const middle = (FINE_SIZE - 1) / 2;
  return mass === 0 ? { x: middle, y: middle } : { x: sumX / mass, y: sumY / mass };
}

/**
 * Shift the ink so that `centre` lies in the middle, and average each FINE x FINE square. Ink that
 * leaves the picture is cut off, as it is in MNIST.
 *
 * @param {Uint8Array} ink
 * @param {{x: number, y: number}} centre
 * @returns {Float32Array}
 */
function averageAround(ink, centre) {
  const digit = new Float32Array(INPUT_SIZE);
  const shiftX = Math.round((FINE_SIZE - 1) / 2 - centre.x);
  const shiftY = Math.round((FINE_SIZE - 1) / 2 - centre.y);
  ink.forEach((value, at) => {
    if (value === 0) return;
    const column = Math.floor(((at % FINE_SIZE) + shiftX) / FINE);
    const row = Math.floor((Math.floor(at / FINE_SIZE) + shiftY) / FINE);
    if (column < 0 || column >= DIGIT_SIZE || row < 0 || row >= DIGIT_SIZE) return;
    const pixel = row * DIGIT_SIZE + column;
    digit[pixel] = (digit[pixel] ?? 0) + value / (OPAQUE * FINE * FINE);
  });
  return digit;
}
