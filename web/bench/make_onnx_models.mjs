// Writes the models that training artifacts are made of: node make_onnx_models.mjs FOLDER

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import * as models from "./page/onnx_models.js";
import { W1, W2, W3, W4, W5, W6 } from "./page/workloads.js";

const folder = process.argv[2];
const made = {
  W1: models.mlp(W1(), "Tanh", true),
  W2: models.mlp(W2(), "Relu", true),
  W3: models.mlp(W3(), "Relu", true),
  W4: models.cnn(W4("channels first"), true),
  W5: models.attention(W5(), true),
  W6: models.unrolledLstm(W6()),
};
for (const [name, bytes] of Object.entries(made)) {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, "forward.onnx"), bytes);
}
