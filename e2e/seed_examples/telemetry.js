// The examples of the guide to network telemetry, one function a section; the Python twin is
// tests/guides/test_seed_examples_telemetry.py, which says where the guide's sample outputs do not fit.

/** @import { Layer, Loom } from "../../dist/loom/generated/api.js" */
/** @import { Check } from "./shared/check.js" */

const PARAMETERS = [524800, 131328, 65792, 197376, 16448, 0, 12416, 330, 0, 704, 31331, 650];

/**
 * @param {Loom} loom
 * @param {Layer[]} layers
 * @param {[rows: number, cols: number, layersPerCell: number]} sizes
 * @param {number} inputSize
 */
async function grid(loom, layers, [rows, cols, layersPerCell], inputSize) {
  const network = await loom.NewNetwork(inputSize, rows, cols, layersPerCell);
  for (const [index, layer] of layers.entries()) {
    const cell = Math.floor(index / layersPerCell);
    const place = index % layersPerCell;
    await network.SetLayer(Math.floor(cell / cols), cell % cols, place, layer);
  }
  return network;
}

/** @param {Loom} loom */
async function classifier(loom) {
  const branches = [
    await loom.InitDenseLayer(64, 32),
    await loom.InitLSTMLayer(64, 32),
    await loom.InitMultiHeadAttentionLayer(64, 4),
  ];
  const layers = [
    await loom.InitDenseLayer(1024, 512, "relu"),
    await loom.InitDenseLayer(512, 256, "relu"),
    await loom.InitDenseLayer(256, 256),
    await loom.InitMultiHeadAttentionLayer(256, 8, 1, 1, 4),
    await loom.InitDenseLayer(256, 64),
    await loom.InitSoftmaxLayer(),
    await loom.InitLSTMLayer(64, 32, 1, 1),
    await loom.InitDenseLayer(32, 10, "linear"),
    await loom.InitSoftmaxLayer(),
    await loom.InitDenseLayer(10, 64, "tanh"),
    await loom.InitFilteredParallelLayer(branches),
    await loom.InitDenseLayer(64, 10),
  ];
  return grid(loom, layers, [2, 2, 3], 1024);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function networkBlueprint(loom, check) {
  const encoder = await grid(loom, [await loom.InitDenseLayer(8, 4)], [1, 1, 1], 8);
  const decoder = await grid(loom, [await loom.InitDenseLayer(4, 8)], [1, 1, 1], 4);
  const blueprint = await loom.ExtractBundleBlueprint({ encoder, decoder });
  check.equal(
    blueprint.Models.map((model) => [model.ID, model.TotalParams]),
    [
      ["encoder", 36],
      ["decoder", 40],
    ],
  );
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function extractingTelemetryFromANetwork(loom, check) {
  const network = await classifier(loom);
  const telemetry = await loom.ExtractNetworkBlueprint(network, "my-classifier");
  check.equal(telemetry.ID, "my-classifier");
  check.equal(telemetry.TotalLayers, 12);
  check.equal(telemetry.TotalParams, 981175);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function inspectingLayers(loom, check) {
  const telemetry = await loom.ExtractNetworkBlueprint(await classifier(loom), "my-classifier");
  const lines = telemetry.Layers.map(
    (layer) =>
      `[${layer.GridRow},${layer.GridCol},${layer.CellLayer}] ${layer.Type}: ` +
      `[${layer.InputShape}] → [${layer.OutputShape}] (${layer.Parameters} params)`,
  );
  check.equal(lines.slice(0, 4), [
    "[0,0,0] Dense: [1024] → [512] (524800 params)",
    "[0,0,1] Dense: [512] → [256] (131328 params)",
    "[0,0,2] Dense: [256] → [256] (65792 params)",
    "[0,1,0] MultiHeadAttention: [1,256] → [1,256] (197376 params)",
  ]);
  check.equal(
    telemetry.Layers.map((layer) => layer.Parameters),
    PARAMETERS,
  );
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function parameterCounting(loom, check) {
  const denses = [1, 2, 3].map(() => loom.InitDenseLayer(64, 32));
  /** @type {[layer: Layer, inputs: number, parameters: number][]} */
  const counts = [
    [await loom.InitDenseLayer(1024, 512), 1024, 524800],
    [await loom.InitConv2DLayer(8, 8, 3, 3, 1, 0, 16), 192, 448],
    [await loom.InitMultiHeadAttentionLayer(256, 8, 1, 1, 4), 256, 197376],
    [await loom.InitLSTMLayer(64, 32), 64, 12416],
    [await loom.InitRNNLayer(64, 32), 64, 3104],
    [await loom.InitLayerNormLayer(256), 256, 512],
    [await loom.InitRMSNormLayer(256), 256, 256],
    [await loom.InitSwiGLULayer(512, 2048), 512, 3150336],
    [await loom.InitSoftmaxLayer(), 5, 0],
    [await loom.InitParallelLayer(await Promise.all(denses)), 64, 6240],
  ];
  for (const [layer, inputs, parameters] of counts) {
    const network = await loom.NewNetwork(inputs, 1, 1, 1);
    await network.SetLayer(0, 0, 0, layer);
    const { Layers } = await loom.ExtractNetworkBlueprint(network, "one layer");
    check.equal(Layers[0]?.Parameters, parameters);
    network.dispose();
  }
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function gridPositionMapping(loom, check) {
  const telemetry = await loom.ExtractNetworkBlueprint(await classifier(loom), "m");
  const { GridCols: columns, LayersPerCell: layersPerCell } = telemetry;
  for (const [index, layer] of telemetry.Layers.entries()) {
    check.equal(layer.GridRow, Math.floor(index / (columns * layersPerCell)));
    check.equal(layer.GridCol, Math.floor(index / layersPerCell) % columns);
    check.equal(layer.CellLayer, index % layersPerCell);
  }
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function inspectingParallelLayers(loom, check) {
  const telemetry = await loom.ExtractNetworkBlueprint(await classifier(loom), "m");
  const lines = [];
  for (const layer of telemetry.Layers) {
    if (layer.Type !== "Parallel") continue;
    lines.push(`Parallel layer at (${layer.GridRow},${layer.GridCol},${layer.CellLayer}):`);
    lines.push(` Combine mode: ${layer.CombineMode}`);
    for (const [i, branch] of layer.Branches.entries()) {
      lines.push(` [${i}] ${branch.Type}: ${branch.Parameters} params`);
    }
  }
  check.equal(lines, [
    "Parallel layer at (1,1,1):",
    " Combine mode: filter",
    " [0] Dense: 2080 params",
    " [1] LSTM: 12416 params",
    " [2] MultiHeadAttention: 16640 params",
  ]);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function jsonExport(loom, check) {
  const text = await loom.ExtractNetworkBlueprintJSON(await classifier(loom), "my-model");
  const exported = JSON.parse(text);
  check.equal(
    [exported.id, exported.total_layers, exported.total_parameters],
    ["my-model", 12, 981175],
  );
  const { grid_row, grid_col, cell_layer, type, activation, parameters } = exported.layers[0];
  check.equal([grid_row, grid_col, cell_layer, type], [0, 0, 0, "Dense"]);
  check.equal([activation, parameters], ["ReLU", 524800]);
  check.equal(exported.layers[0].input_shape, [1024]);
  check.equal(exported.layers[0].output_shape, [512]);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function validationBeforeDeployment(loom, check) {
  const telemetry = await loom.ExtractNetworkBlueprint(await classifier(loom), "production-model");
  const maxParams = 10_000_000;
  check.that(telemetry.TotalParams <= maxParams, "the model is small enough");
  const warnings = telemetry.Layers.filter((layer) => layer.Type === "LSTM").map(
    (layer) => `LSTM found at (${layer.GridRow},${layer.GridCol})`,
  );
  check.equal(warnings, ["LSTM found at (1,0)"]);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function architectureComparison(loom, check) {
  const first = [
    await loom.InitDenseLayer(8, 8),
    await loom.InitDenseLayer(8, 4),
    await loom.InitSoftmaxLayer(),
  ];
  const second = [await loom.InitDenseLayer(8, 8), await loom.InitLSTMLayer(8, 4)];
  const tel1 = await loom.ExtractNetworkBlueprint(await grid(loom, first, [1, 1, 3], 8), "v1");
  const tel2 = await loom.ExtractNetworkBlueprint(await grid(loom, second, [1, 1, 2], 8), "v2");
  const differences = [];
  for (const [i, layer] of tel1.Layers.entries()) {
    const other = tel2.Layers[i];
    if (other === undefined) differences.push(`Layer ${i}: only in v1`);
    else if (layer.Type !== other.Type)
      differences.push(`Layer ${i}: ${layer.Type} vs ${other.Type}`);
  }
  check.equal(differences, ["Layer 1: Dense vs LSTM", "Layer 2: only in v1"]);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function buildingAModelExplorerUI(loom, check) {
  const body = await loom.ExtractNetworkBlueprintJSON(await classifier(loom), "live-model");
  const list = document.createElement("ol");
  for (const { type, parameters } of JSON.parse(body).layers) {
    list.append(
      Object.assign(document.createElement("li"), { textContent: type, value: parameters }),
    );
  }
  check.equal(list.children.length, 12);
  check.equal(list.children[3]?.textContent, "MultiHeadAttention");
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function memoryEstimation(loom, check) {
  const network = await classifier(loom);
  const telemetry = await loom.ExtractNetworkBlueprint(network, "my-model");
  const bytesForParams = telemetry.TotalParams * 4;
  check.equal(await network.GetMemoryUsage(), bytesForParams);
  const memory = telemetry.Memory;
  check.equal(memory?.Parameters, bytesForParams);
  check.that((memory?.Training ?? 0) >= bytesForParams, "a training holds the gradients too");
  check.that((memory?.Inference ?? 0) > 0, "activations take memory");
}
