/**
 * The browser's GPU for Python: buffers and lists of dispatches by number, data by address.
 *
 * The counterpart of `loom_core/backends/webgpu/browser_device.py`. All but reading is queued and
 * returns at once. Error scopes are open all the time; a read closes them, so that whatever went
 * wrong since the read before it fails this one.
 */

import { LoomError } from "../errors.js";
import { Ticket } from "./ticket.js";

/**
 * @typedef {object} Binding
 * @property {number} buffer
 * @property {number} offset bytes
 * @property {number} size bytes
 */
/**
 * @typedef {object} Dispatch
 * @property {string} shader
 * @property {string} entry
 * @property {[string, number][]} constants
 * @property {Binding[]} bindings
 * @property {[number, number, number]} workgroups
 */
/** @typedef {{ pipeline: GPUComputePipeline, group: GPUBindGroup, workgroups: number[] }} Bound */

const RUN = 0;
const COPY_WORDS = 5;

/** Flags of the WebGPU specification; the type library knows no names for them. */
const MAP_READ = 0x1;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const UNIFORM = 0x40;
const STORAGE = 0x80;
const MODE_READ = 0x1;

/** How long to wait for the news that the device is lost, after an error that it may have caused. */
const LOSS_MS = 1000;

const SCOPES = /** @type {const} */ (["validation", "out-of-memory", "internal"]);

/** What is asked for as the adapter has it; other limits stay at their defaults. */
const LIMITS = /** @type {const} */ ([
  ...["maxBufferSize", "maxStorageBufferBindingSize", "maxUniformBufferBindingSize"],
  ...["maxStorageBuffersPerShaderStage", "maxComputeWorkgroupStorageSize"],
  ...["maxComputeInvocationsPerWorkgroup", "maxComputeWorkgroupSizeX", "maxComputeWorkgroupSizeY"],
  ...["maxComputeWorkgroupSizeZ", "maxComputeWorkgroupsPerDimension"],
]);

/** The module `loom_gpu` of Python. */
export class Gpu {
  #heap;

  /** @param {() => Uint8Array} heap Python's memory, which moves when it grows */
  constructor(heap) {
    this.#heap = heap;
  }

  /** @returns {Ticket<GpuDevice>} */
  open() {
    return new Ticket(openDevice(this.#heap));
  }
}

/**
 * @param {() => Uint8Array} heap
 * @returns {Promise<GpuDevice>}
 */
async function openDevice(heap) {
  const advice = "Use a CPU backend, or a browser with WebGPU on a page of https or localhost.";
  if (!navigator.gpu) throw new LoomError("backend", "This browser offers no WebGPU here.", advice);
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new LoomError("backend", "The browser found no GPU adapter.", advice);
  const device = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
  });
  return new GpuDevice(device, adapter.info, heap);
}

/** One device, with the buffers, pipelines and lists of dispatches that were made on it. */
class GpuDevice {
  #device;
  #heap;
  /** @type {Map<number, GPUBuffer>} */
  #buffers = new Map();
  /** @type {Map<number, Bound[]>} */
  #lists = new Map();
  /** @type {Map<string, GPUShaderModule>} */
  #shaders = new Map();
  /** @type {Map<string, GPUComputePipeline>} */
  #pipelines = new Map();
  /** Why the device cannot be used any more; empty while it works. */
  lost = "";
  /** JSON: name, software, limits. */
  description;

  /**
   * @param {GPUDevice} device
   * @param {GPUAdapterInfo} info
   * @param {() => Uint8Array} heap
   */
  constructor(device, info, heap) {
    this.#device = device;
    this.#heap = heap;
    this.description = JSON.stringify({
      name: [info.vendor, info.architecture, info.description].filter(Boolean).join(" "),
      software: isSoftware(info),
      limits: Object.fromEntries(LIMITS.map((name) => [name, device.limits[name]])),
    });
    void device.lost.then(({ message, reason }) => {
      this.lost ||= message || reason;
    });
    this.#openScopes();
  }

  /**
   * @param {string} name
   * @param {string} code
   */
  addShader(name, code) {
    this.#shaders.set(name, this.#device.createShaderModule({ label: `${name}.wgsl`, code }));
  }

  /**
   * @param {number} number
   * @param {number} size bytes
   * @param {boolean} uniform
   */
  create(number, size, uniform) {
    const usage = (uniform ? UNIFORM : STORAGE) | COPY_SRC | COPY_DST;
    this.#buffers.set(number, this.#device.createBuffer({ size, usage }));
  }

  /** @param {number} number */
  destroy(number) {
    this.#buffers.get(number)?.destroy();
    this.#buffers.delete(number);
  }

  /**
   * @param {number} number
   * @param {number} offset in the buffer
   * @param {number} address in Python's memory
   * @param {number} bytes
   */
  write(number, offset, address, bytes) {
    const heap = /** @type {Uint8Array<ArrayBuffer>} */ (this.#heap());
    this.#device.queue.writeBuffer(this.#buffer(number), offset, heap, address, bytes);
  }

  /**
   * @param {number} number of the list from now on
   * @param {string} json dispatches
   */
  record(number, json) {
    /** @type {Dispatch[]} */
    const dispatches = JSON.parse(json);
    this.#lists.set(
      number,
      dispatches.map((dispatch) => this.#bind(dispatch)),
    );
  }

  /** @param {number} number */
  forget(number) {
    this.#lists.delete(number);
  }

  /**
   * @param {number} address of the commands
   * @param {number} count how many 32-bit words they are
   */
  submit(address, count) {
    const words = new Uint32Array(this.#heap().buffer, address, count);
    const encoder = this.#device.createCommandEncoder();
    /** @type {GPUComputePassEncoder | null} dispatches that follow each other share a pass */
    let pass = null;
    for (let at = 0; at < count;) {
      if (words[at++] === RUN) {
        pass ??= encoder.beginComputePass();
        for (const { pipeline, group, workgroups } of this.#lists.get(words[at++]) ?? []) {
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, group);
          pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
        }
        continue;
      }
      pass?.end();
      pass = null;
      const [source, start, target, offset, size] = words.subarray(at, (at += COPY_WORDS));
      encoder.copyBufferToBuffer(this.#buffer(source), start, this.#buffer(target), offset, size);
    }
    pass?.end();
    this.#device.queue.submit([encoder.finish()]);
  }

  /**
   * Read parts of buffers, one after the other, once all that was queued is done.
   *
   * @param {number} address of triples buffer, offset, size
   * @param {number} count how many words they are
   * @returns {Ticket<Mapped>}
   */
  read(address, count) {
    const words = new Uint32Array(this.#heap().buffer, address, count);
    let total = 0;
    for (let at = 2; at < count; at += 3) total += words[at];
    const staging = this.#device.createBuffer({
      size: Math.max(4, total),
      usage: COPY_DST | MAP_READ,
    });
    const encoder = this.#device.createCommandEncoder();
    let end = 0;
    for (let at = 0; at < count; at += 3) {
      const [source, offset, size] = words.subarray(at, at + 3);
      if (size) encoder.copyBufferToBuffer(this.#buffer(source), offset, staging, end, size);
      end += size;
    }
    this.#device.queue.submit([encoder.finish()]);
    return new Ticket(this.#mapped(staging, total), () => staging.destroy());
  }

  close() {
    this.lost ||= "it was released";
    this.#buffers.clear();
    this.#lists.clear();
    this.#device.destroy();
  }

  /**
   * @param {GPUBuffer} staging
   * @param {number} size
   */
  async #mapped(staging, size) {
    const mapping = staging.mapAsync(MODE_READ);
    const checked = this.#closeScopes();
    this.#openScopes();
    const [failure, errors] = await Promise.all([mapping.catch((error) => error), checked]);
    // When a device is lost, the mapping fails first; the reason comes a moment later.
    if (failure && !errors.some(Boolean)) await Promise.race([this.#device.lost, passed(LOSS_MS)]);
    if (this.lost) throw new LoomError("backend", `The GPU device was lost: ${this.lost}`);
    const error = errors.find((found) => found) ?? failure;
    if (error) throw new LoomError("backend", `The GPU reported an error: ${error.message}`);
    return new Mapped(staging, size, this.#heap);
  }

  #openScopes() {
    for (const filter of SCOPES) this.#device.pushErrorScope(filter);
  }

  #closeScopes() {
    return Promise.all(SCOPES.map(() => this.#device.popErrorScope().catch(() => null)));
  }

  /** @param {number} number */
  #buffer(number) {
    const buffer = this.#buffers.get(number);
    if (!buffer) throw new LoomError("internal", `There is no GPU buffer ${number}.`);
    return buffer;
  }

  /**
   * @param {Dispatch} dispatch
   * @returns {Bound}
   */
  #bind({ shader, entry, constants, bindings, workgroups }) {
    const pipeline = this.#pipeline(shader, entry, constants);
    const entries = bindings.map(({ buffer, offset, size }, binding) => ({
      binding,
      resource: { buffer: this.#buffer(buffer), offset, size },
    }));
    const layout = pipeline.getBindGroupLayout(0);
    const group = this.#device.createBindGroup({ label: `${shader}.${entry}`, layout, entries });
    return { pipeline, group, workgroups };
  }

  /**
   * @param {string} shader
   * @param {string} entry
   * @param {[string, number][]} constants
   */
  #pipeline(shader, entry, constants) {
    const key = JSON.stringify([shader, entry, constants]);
    const known = this.#pipelines.get(key);
    if (known) return known;
    const module = this.#shaders.get(shader);
    if (!module) throw new LoomError("internal", `The shader ${shader} was not added.`);
    const pipeline = this.#device.createComputePipeline({
      label: `${shader}.wgsl ${entry}`,
      layout: "auto",
      compute: { module, entryPoint: entry, constants: Object.fromEntries(constants) },
    });
    this.#pipelines.set(key, pipeline);
    return pipeline;
  }
}

/** What was read, until its buffer is given back. */
class Mapped {
  #staging;
  #size;
  #heap;

  /**
   * @param {GPUBuffer} staging mapped
   * @param {number} size bytes
   * @param {() => Uint8Array} heap
   */
  constructor(staging, size, heap) {
    this.#staging = staging;
    this.#size = size;
    this.#heap = heap;
  }

  /** @param {number} address in Python's memory */
  copyTo(address) {
    this.#heap().set(new Uint8Array(this.#staging.getMappedRange(), 0, this.#size), address);
  }
}

/** @param {number} ms */
function passed(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @param {GPUAdapterInfo} info */
function isSoftware(info) {
  const words = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  return info.isFallbackAdapter || /swiftshader|llvmpipe|software|basic render/i.test(words);
}
