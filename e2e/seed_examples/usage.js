// The examples of the package's documents on building, running and saving; the Python twin is
// tests/guides/test_seed_examples_usage.py.

/** @import { Layer, Loom, Network } from "../../dist/loom/generated/api.js" */
/** @import { Check } from "./shared/check.js" */

/**
 * @param {Loom} loom
 * @param {number} inputSize
 * @param {Layer[]} layers
 */
async function networkWith(loom, inputSize, ...layers) {
  const network = await loom.NewNetwork(inputSize, 1, 1, layers.length);
  for (const [place, layer] of layers.entries()) await network.SetLayer(0, 0, place, layer);
  return network;
}

/**
 * Run a network forward and backward on made-up numbers.
 *
 * @param {Network} network
 * @param {number} length of the input
 */
async function run(network, length) {
  const input = Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * i));
  const output = await network.ForwardCPU(input);
  const gradient = await network.BackwardCPU(output.map(() => 1));
  if (gradient.length !== length) throw new Error(`a gradient of ${gradient.length} numbers`);
  return output;
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function registryBasedLayerInitialization(loom, check) {
  const functions = await loom.ListLayerInitFunctions();
  const dense = functions.find((entry) => entry.Name === "InitDenseLayer");
  check.equal(dense?.ArgNames, ["input_size", "output_size", "activation"]);
  const { ScaledReLU } = loom.ActivationType;
  /** @type {[name: string, args: unknown[], inputs: number, outputs: number][]} */
  const calls = [
    ["InitDenseLayer", [128, 64, ScaledReLU], 128, 64],
    ["InitConv2DLayer", [28, 28, 1, 3, 1, 1, 32, "relu"], 784, 32 * 784],
    ["InitMultiHeadAttentionLayer", [64, 8, 1, 10], 640, 640],
    ["InitRNNLayer", [32, 64, 1, 10], 320, 640],
    ["InitLSTMLayer", [32, 64, 1, 10], 320, 640],
  ];
  for (const [name, args, inputs, outputs] of calls) {
    const network = await networkWith(loom, inputs, await loom.CallLayerInit(name, args));
    check.equal((await run(network, inputs)).length, outputs);
    network.dispose();
  }
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function creatingADenseNeuralNetwork(loom, check) {
  const network = await loom.NewNetwork(1024, 2, 2, 2);
  await network.SetLayer(0, 0, 0, await loom.CallLayerInit("InitDenseLayer", [1024, 512, "relu"]));
  check.equal(await network.TotalLayers(), 8);
  check.equal((await run(network, 1024)).length, 512);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function convolutionsAndMixedLayers(loom, check) {
  const network = await loom.NewNetwork(48, 2, 1, 2);
  await network.SetLayer(0, 0, 0, await loom.InitConv2DLayer(4, 4, 3, 3, 1, 1, 2, "relu"));
  check.equal((await run(network, 2 * 48)).length, 2 * 32);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function attentionAndRecurrence(loom, check) {
  const [batch, seqLength, inputSize] = [2, 4, 8];
  const layers = [
    await loom.InitMultiHeadAttentionLayer(inputSize, 2, batch, seqLength),
    await loom.InitRNNLayer(inputSize, 16, batch, seqLength),
    await loom.InitLSTMLayer(inputSize, 12, batch, seqLength),
  ];
  const lengths = [];
  for (const layer of layers) {
    const network = await networkWith(loom, seqLength * inputSize, layer);
    lengths.push((await run(network, batch * seqLength * inputSize)).length);
  }
  check.equal(lengths, [64, 128, 96]);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function softmaxLayers(loom, check) {
  /** @type {[layer: Layer, rows: number][]} */
  const variants = [
    [await loom.InitSoftmaxLayer(), 1],
    [await loom.InitGridSoftmaxLayer(3, 4), 3],
    [await loom.InitTemperatureSoftmaxLayer(0.1), 1],
    [await loom.InitSparsemaxLayer(), 1],
    [await loom.InitEntmaxLayer(1.5), 1],
  ];
  for (const [softmax, rows] of variants) {
    const dense = await loom.InitDenseLayer(5, 12, "leaky_relu");
    const output = await run(await networkWith(loom, 5, dense, softmax), 5);
    for (let row = 0; row < rows; row++) {
      const part = output.slice((row * 12) / rows, ((row + 1) * 12) / rows);
      check.near(
        part.reduce((sum, p) => sum + p, 0),
        1,
      );
    }
  }
  const masked = await loom.InitMaskedSoftmaxLayer(6);
  await masked.SetMask([true, false, true, true, false, true]);
  const dense = await loom.InitDenseLayer(5, 6, "linear");
  const output = await run(await networkWith(loom, 5, dense, masked), 5);
  check.equal([output[1], output[4]], [0, 0]);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function stringBasedSerialization(loom, check) {
  const layer = await loom.InitDenseLayer(6, 4, "tanh");
  const network = await networkWith(loom, 6, layer);
  const input = [0, 1, 2, 3, 4, 5];
  const output = await network.ForwardCPU(input);
  const text = await network.SaveModelToString("my_model_v1");
  const again = await loom.LoadModelFromString(text, "my_model_v1");
  check.equal(await again.ForwardCPU(input), output);
  const bundle = await loom.LoadBundleFromString(text);
  check.equal(await bundle.ListModels(), ["my_model_v1"]);
  check.equal(await (await bundle.GetModel("my_model_v1")).ForwardCPU(input), output);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function fileBasedSerialization(loom, check) {
  const network = await networkWith(loom, 6, await loom.InitDenseLayer(6, 4, "tanh"));
  await network.SaveModel("model.json", "my_model_v1"); // in the session's own file system
  const again = await loom.LoadModel("model.json", "my_model_v1");
  check.equal(
    await again.ForwardCPU([1, 2, 3, 4, 5, 6]),
    await network.ForwardCPU([1, 2, 3, 4, 5, 6]),
  );
  await loom.SaveBundle("bundle.json", { model_a: network, model_b: again });
  check.equal(await (await loom.LoadBundle("bundle.json")).ListModels(), ["model_a", "model_b"]);
}

/**
 * @param {Loom} loom
 * @param {Check} check
 */
export async function modelFormat(loom, check) {
  const network = await networkWith(loom, 6, await loom.InitDenseLayer(6, 4, "tanh"));
  const document = JSON.parse(await network.SaveModelToString("my_model_v1", "loom"));
  check.equal([document.type, document.version], ["modelhost/bundle", 1]);
  const [model] = document.models;
  check.equal([model.id, model.cfg.layers[0].type], ["my_model_v1", "dense"]);
  check.equal(model.weights.fmt, "jsonModelB64");
}
