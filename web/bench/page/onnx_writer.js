/** Writes ONNX models (a few fields of protocol buffers), so that none has to be shipped. */

/** @typedef {Float32Array | BigInt64Array} Numbers */
/** @typedef {string | number | number[]} Attribute */
/** @typedef {{ op: string, in: string[], out: string[], [attribute: string]: Attribute | string[] }} Node */
/**
 * @typedef {object} Model
 * @property {Node[]} nodes
 * @property {Record<string, [number[], Numbers]>} [constants] shape and values
 * @property {Record<string, (number | string)[]>} inputs shapes; a name stands for any size
 * @property {Record<string, (number | string)[]>} outputs
 */

const [VARINT, BYTES] = [0, 2];
const [FLOAT, INT64] = [1, 7];
const OPSET = 17;
const text = new TextEncoder();

/** @param {number | bigint} number @returns {number[]} */
function varint(number) {
  let rest = BigInt.asUintN(64, BigInt(number));
  const bytes = [];
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest);
  return bytes;
}

/** @param {(Uint8Array | number[])[]} parts */
function joined(parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** @param {number} field @param {number} wire */
const tag = (field, wire) => varint((field << 3) | wire);
/** @param {number} field @param {number} value */
const integer = (field, value) => joined([tag(field, VARINT), varint(value)]);
/** @param {number} field @param {Uint8Array} bytes */
const bytes = (field, bytes) => joined([tag(field, BYTES), varint(bytes.length), bytes]);
/** @param {number} field @param {string} string */
const string = (field, string) => bytes(field, text.encode(string));
/** @param {number} field @param {Uint8Array[]} parts */
const message = (field, ...parts) => bytes(field, joined(parts));

/** @param {string} name @param {number[]} shape @param {Numbers} data */
const tensor = (name, shape, data) =>
  joined([
    ...shape.map((size) => integer(1, size)),
    integer(2, data instanceof Float32Array ? FLOAT : INT64),
    string(8, name),
    bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ]);

/** @param {string} name @param {Attribute} value */
function attribute(name, value) {
  if (typeof value === "string") return joined([string(1, name), string(4, value), integer(20, 3)]);
  if (Array.isArray(value)) {
    return joined([string(1, name), ...value.map((each) => integer(8, each)), integer(20, 7)]);
  }
  return joined([string(1, name), integer(3, value), integer(20, 2)]);
}

/** @param {string} name @param {(number | string)[]} shape */
function valueInfo(name, shape) {
  const sizes = shape.map((size) =>
    message(1, typeof size === "string" ? string(2, size) : integer(1, size)),
  );
  return joined([string(1, name), message(2, message(1, integer(1, FLOAT), message(2, ...sizes)))]);
}

/** @param {Node} node @param {number} number */
function encodedNode({ op, in: inputs, out: outputs, ...attributes }, number) {
  const given = /** @type {[string, Attribute][]} */ (Object.entries(attributes));
  return joined([
    ...inputs.map((name) => string(1, name)),
    ...outputs.map((name) => string(2, name)),
    string(3, `node${number}`),
    string(4, op),
    ...given.map(([name, value]) => message(5, attribute(name, value))),
  ]);
}

/** @param {Model} model @returns {Uint8Array} */
export function onnxModel({ nodes, constants = {}, inputs, outputs }) {
  const graph = [
    ...nodes.map((node, number) => message(1, encodedNode(node, number))),
    string(2, "graph"),
    ...Object.entries(constants).map(([name, [shape, data]]) =>
      message(5, tensor(name, shape, data)),
    ),
    ...Object.entries(inputs).map(([name, shape]) => message(11, valueInfo(name, shape))),
    ...Object.entries(outputs).map(([name, shape]) => message(12, valueInfo(name, shape))),
  ];
  return joined([
    integer(1, 8),
    message(7, ...graph),
    message(8, string(1, ""), integer(2, OPSET)),
  ]);
}

/** @param {number[]} numbers @returns {[number[], BigInt64Array]} a constant of int64 */
export const int64 = (...numbers) => [[numbers.length], BigInt64Array.from(numbers.map(BigInt))];
