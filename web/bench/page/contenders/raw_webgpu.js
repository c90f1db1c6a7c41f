/**
 * A product written by hand for one shape: each invocation makes a block of 4 x 4 with vectors, from
 * registers alone. No library around it, and no size that it does not divide.
 */

import { product, PRODUCTS } from "../workloads.js";

/** @import { Contender, Task } from "../contender.js" */

const BLOCK = 4;
const GROUP = 8;

/** Flags of the WebGPU specification; the type library knows no names for them. */
const MAP_READ = 0x1;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const STORAGE = 0x80;

/** @param {number} n size, a multiple of 32 */
const shader = (n) => `
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
const WIDTH = ${n / BLOCK}u;
@compute @workgroup_size(${GROUP}, ${GROUP})
fn product(@builtin(global_invocation_id) at: vec3u) {
  let row = at.y * 4u * WIDTH;
  var s0 = vec4f(); var s1 = vec4f(); var s2 = vec4f(); var s3 = vec4f();
  for (var k = 0u; k < WIDTH; k++) {
    let a0 = a[row + k];
    let a1 = a[row + WIDTH + k];
    let a2 = a[row + 2u * WIDTH + k];
    let a3 = a[row + 3u * WIDTH + k];
    let b0 = b[4u * k * WIDTH + at.x];
    let b1 = b[(4u * k + 1u) * WIDTH + at.x];
    let b2 = b[(4u * k + 2u) * WIDTH + at.x];
    let b3 = b[(4u * k + 3u) * WIDTH + at.x];
    s0 += a0.x * b0 + a0.y * b1 + a0.z * b2 + a0.w * b3;
    s1 += a1.x * b0 + a1.y * b1 + a1.z * b2 + a1.w * b3;
    s2 += a2.x * b0 + a2.y * b1 + a2.z * b2 + a2.w * b3;
    s3 += a3.x * b0 + a3.y * b1 + a3.z * b2 + a3.w * b3;
  }
  y[row + at.x] = s0;
  y[row + WIDTH + at.x] = s1;
  y[row + 2u * WIDTH + at.x] = s2;
  y[row + 3u * WIDTH + at.x] = s3;
}`;

/** @returns {Promise<Contender>} */
export async function startRawWebGpu() {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error("there is no WebGPU adapter here");
  const device = await adapter.requestDevice();

  /** @param {Float32Array} numbers */
  function filled(numbers) {
    const size = numbers.byteLength;
    const buffer = device.createBuffer({ size, usage: STORAGE | COPY_DST | COPY_SRC });
    device.queue.writeBuffer(buffer, 0, /** @type {Float32Array<ArrayBuffer>} */ (numbers));
    return buffer;
  }

  /** @param {GPUBuffer} buffer */
  async function readOne(buffer) {
    const staging = device.createBuffer({ size: 4, usage: MAP_READ | COPY_DST });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, 4);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    staging.destroy();
  }

  /** @returns {Promise<Task>} */
  async function products() {
    /** @type {Task["series"]} */
    const series = {};
    /** @type {GPUBuffer[]} */
    const all = [];
    for (const { name, n, transposeA, transposeB } of PRODUCTS) {
      if (transposeA || transposeB) continue;
      const work = product(n);
      const buffers = [work.a, work.c, new Float32Array(n * n)].map(filled);
      all.push(...buffers);
      const module = device.createShaderModule({ code: shader(n) });
      const compute = { module, entryPoint: "product" };
      const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute });
      const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
      const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
      const groups = n / BLOCK / GROUP;
      series[name] = async (k) => {
        for (let i = 0; i < k; i++) {
          const encoder = device.createCommandEncoder();
          const pass = encoder.beginComputePass();
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, group);
          pass.dispatchWorkgroups(groups, groups);
          pass.end();
          device.queue.submit([encoder.finish()]);
        }
        await readOne(buffers[2]);
      };
    }
    return { series, dispose: () => all.forEach((buffer) => buffer.destroy()) };
  }

  return {
    version: "4 x 4 register blocks, vec4",
    prepare: (name) => (name === "GEMM" ? products() : undefined),
  };
}
