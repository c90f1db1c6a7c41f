// What several guides make for their examples.

/** @import { Loom } from "../../../dist/loom/generated/api.js" */

/**
 * @param {Loom} loom
 * @param {number} inputSize
 * @param {[rows: number, cols: number, layersPerCell: number]} grid
 * @param {[size: number, activation: string][]} layers dense ones
 */
export async function networkOf(loom, inputSize, [rows, cols, perCell], layers) {
  const network = await loom.NewNetwork(inputSize, rows, cols, perCell);
  let width = inputSize;
  for (const [index, [size, activation]] of layers.entries()) {
    const cell = Math.floor(index / perCell);
    const layer = await loom.InitDenseLayer(width, size, activation);
    await network.SetLayer(Math.floor(cell / cols), cell % cols, index % perCell, layer);
    width = size;
  }
  await network.InitializeWeights(3);
  return network;
}

/** @param {number} length */
export function numbers(length) {
  return Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * i));
}
