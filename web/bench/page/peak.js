/**
 * The most multiply-adds that one thread can do: a loop that only touches registers. The module is
 * assembled here, byte by byte, so that no compiler stands between the loop and the engine.
 */

const I32 = 0x7f;
const V128 = 0x7b;
const [LOOP, BR_IF, END] = [0x03, 0x0d, 0x0b];
const [LOCAL_GET, LOCAL_SET, LOCAL_TEE, I32_CONST, I32_SUB] = [0x20, 0x21, 0x22, 0x41, 0x6b];
const SIMD = 0xfd;
const F32X4_SPLAT = [SIMD, 0x13];
const F32X4_EXTRACT_LANE_0 = [SIMD, 0x1f, 0];
const F32X4_ADD = [SIMD, 0xe4, 0x01];
const F32X4_MUL = [SIMD, 0xe6, 0x01];
const F32X4_RELAXED_MADD = [SIMD, 0x85, 0x02];
/** 0.5 and 1 as f32.const */
const HALF = [0x43, 0, 0, 0, 0x3f];
const ONE = [0x43, 0, 0, 0x80, 0x3f];

/** Accumulators that are tried: enough to hide the latency, few enough to stay in registers. */
const WIDTHS = [8, 10, 12];
const UNROLLED = 4;
const ROUNDS = 2000;

/** @param {number} n @returns {number[]} unsigned LEB128 */
function leb(n) {
  const bytes = [];
  do {
    bytes.push((n & 127) | (n > 127 ? 128 : 0));
    n >>>= 7;
  } while (n);
  return bytes;
}

/** @param {number} id @param {number[]} content */
const section = (id, content) => [id, ...leb(content.length), ...content];

/**
 * A module with `run(rounds) -> f32`: acc_i = x * y + acc_i, many times.
 *
 * @param {number} accumulators
 * @param {boolean} fused one relaxed multiply-add, or a product and a sum
 */
function assemble(accumulators, fused) {
  // Local 0 is the counter, 1 and 2 are x and y, the accumulators follow.
  const first = 3;
  const body = [];
  for (let n = 0; n < UNROLLED; n++) {
    for (let i = first; i < first + accumulators; i++) {
      const operands = [LOCAL_GET, 1, LOCAL_GET, 2];
      body.push(
        ...(fused
          ? [...operands, LOCAL_GET, i, ...F32X4_RELAXED_MADD]
          : [LOCAL_GET, i, ...operands, ...F32X4_MUL, ...F32X4_ADD]),
        ...[LOCAL_SET, i],
      );
    }
  }
  const sum = [LOCAL_GET, first];
  for (let i = first + 1; i < first + accumulators; i++) sum.push(LOCAL_GET, i, ...F32X4_ADD);
  const code = [
    ...[1, ...leb(2 + accumulators), V128],
    ...[...HALF, ...F32X4_SPLAT, LOCAL_SET, 1, ...ONE, ...F32X4_SPLAT, LOCAL_SET, 2],
    ...[LOOP, 0x40, ...body],
    ...[LOCAL_GET, 0, I32_CONST, 1, I32_SUB, LOCAL_TEE, 0, BR_IF, 0, END],
    ...[...sum, ...F32X4_EXTRACT_LANE_0, END],
  ];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 1, 0x7d]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, ...new TextEncoder().encode("run"), 0, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}

/**
 * One loop for each number of accumulators; a step is as many operations as `flops` says.
 *
 * @returns {{ fused: boolean, loops: Record<string, { flops: number, run: (k: number) => void }> }}
 */
export function peakLoops() {
  const fused = WebAssembly.validate(assemble(8, true));
  const loops = Object.fromEntries(
    WIDTHS.map((width) => {
      const module = new WebAssembly.Module(assemble(width, fused));
      const run = /** @type {(rounds: number) => number} */ (
        new WebAssembly.Instance(module).exports.run
      );
      const flops = 2 * 4 * width * UNROLLED * ROUNDS;
      return [`${width} accumulators`, { flops, run: (/** @type {number} */ k) => repeat(run, k) }];
    }),
  );
  return { fused, loops };
}

/** @param {(rounds: number) => number} run @param {number} k */
function repeat(run, k) {
  for (let i = 0; i < k; i++) {
    if (!(run(ROUNDS) > 0)) throw new Error("the register loop does not compute");
  }
}
