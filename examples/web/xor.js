// The whole library is one import. `../loom/` is the folder of the built site: put your page beside it.
import { loadLoom } from "../loom/index.js";

const status = /** @type {HTMLElement} */ (document.getElementById("status"));
const answers = /** @type {HTMLElement} */ (document.getElementById("answers"));

const loom = await loadLoom({ onProgress: ({ message }) => (status.textContent = message) });

const net = await loom.BuildNetworkFromJSON(
  JSON.stringify({
    seed: 2,
    layers: [
      { type: "dense", input_size: 2, output_size: 8, activation: "tanh" },
      { type: "dense", output_size: 1, activation: "sigmoid" },
    ],
  }),
);

const questions = new Float32Array([0, 0, 0, 1, 1, 0, 1, 1]);
const result = await net.Train(
  { inputs: questions, targets: new Float32Array([0, 1, 1, 0]), batchSize: 4 },
  { epochs: 1500, learningRate: 2 },
  ({ Epoch, EpochLoss }) => (status.textContent = `epoch ${Epoch}: loss ${EpochLoss.toFixed(4)}`),
);
status.textContent = `learnt in ${result.TotalTime.toFixed(1)} s, loss ${result.FinalLoss.toFixed(4)}`;

// A model is one string: it could be stored, sent, or loaded on another machine.
const text = await net.SaveModelToString("xor");
const copy = await loom.LoadModelFromString(text, "xor");
const outputs = await copy.ForwardCPU(questions);
for (let i = 0; i < 4; i++) {
  answers.textContent += `${questions[2 * i]} xor ${questions[2 * i + 1]} = ${outputs[i].toFixed(3)}\n`;
}
document.documentElement.dataset.state = "done";
