/** jax-js, compiled by its `jit`, on its wasm backend (one thread: the page is not isolated) or WebGPU. */

import { versionOf } from "../packages.js";
import { product, PRODUCTS, W1, W2, W3, W4, W5, W6 } from "../workloads.js";

/** @import { Contender, Task } from "../contender.js" */

/**
 * @param {"wasm" | "webgpu"} device
 * @returns {Promise<Contender>}
 */
export async function startJax(device) {
  const jax = await import(new URL("../packages/@jax-js/jax/dist/index.js", location.href).href);
  if (!(await jax.init(device)).includes(device))
    throw new Error(`jax-js has no ${device} backend here`);
  jax.defaultDevice(device);
  const { numpy: np, nn, lax, jit } = jax;

  const array = (/** @type {Float32Array} */ data, /** @type {number[]} */ shape) =>
    np.array(data).reshape(shape);
  const arrays = (/** @type {any} */ work) =>
    work.weights.map((/** @type {any} */ { data, shape }) => array(data, shape));
  const refs = (/** @type {any[]} */ list) => list.map((each) => each.ref);
  const number = async (/** @type {any} */ scalar) => (await scalar.data())[0];

  /**
   * One function for loss, gradients and update. The loss is read after each step, which is the
   * faster way: work that is not waited for piles up.
   *
   * @param {any} work
   * @param {(weights: any[], x: any, y: any) => any} lossOf
   * @returns {Promise<Task>}
   */
  async function training(work, lossOf) {
    const [x, y] = [array(work.x, work.xShape), array(work.y, work.yShape)];
    let weights = arrays(work);
    const gradients = jax.valueAndGrad(lossOf);
    const step = jit((/** @type {any[]} */ given, /** @type {any} */ xs, /** @type {any} */ ys) => {
      const [loss, slopes] = gradients(refs(given), xs, ys);
      return [given.map((weight, i) => weight.sub(slopes[i].mul(work.rate))), loss];
    });
    const lossNow = jit(lossOf);
    const train = async (/** @type {number} */ k) => {
      for (let i = 0; i < k; i++) {
        const [changed, loss] = step(weights, x.ref, y.ref);
        weights = changed;
        await number(loss);
      }
    };
    const losses = [await number(lossNow(refs(weights), x.ref, y.ref))];
    await train(5);
    losses.push(await number(lossNow(refs(weights), x.ref, y.ref)));
    return { series: { train }, losses };
  }

  /**
   * @param {any} work
   * @param {(weights: any[], x: any) => any} f
   * @param {number} batch
   */
  function forward(work, f, batch) {
    const weights = arrays(work);
    const [compiled, shape] = [jit(f), [batch, ...work.xShape.slice(1)]];
    const x = work.x.slice(0, (work.x.length / work.xShape[0]) * batch);
    return async (/** @type {number} */ k) => {
      for (let i = 0; i < k; i++) await compiled(refs(weights), array(x, shape)).data();
    };
  }

  const scores = (/** @type {any[]} */ weights, /** @type {any} */ x, act = nn.relu) => {
    for (let i = 0; i < weights.length; i += 2) {
      x = np.matmul(x, weights[i]).add(weights[i + 1]);
      if (i + 2 < weights.length) x = act(x);
    }
    return x;
  };
  const crossEntropy = (/** @type {any} */ z, /** @type {any} */ y) =>
    nn.logSoftmax(z).mul(y).sum(-1).mean().mul(-1);
  const conv = (/** @type {any} */ x, /** @type {any} */ w, /** @type {any} */ b, stride = 1) =>
    nn.relu(lax.convGeneralDilated(x, w, [stride, stride], "SAME").add(b.reshape([1, -1, 1, 1])));
  const cnn = (/** @type {any[]} */ [k1, b1, k2, b2, w, b], /** @type {any} */ x) => {
    const y = conv(conv(x, k1, b1), k2, b2, 2);
    return np.matmul(y.reshape([y.shape[0], -1]), w).add(b);
  };

  /** @param {ReturnType<typeof W5>} work */
  const attention =
    ({ B, T, D, H, head }) =>
    (/** @type {any} */ x, /** @type {any[]} */ weights) => {
      const rows = x.reshape([B * T, D]);
      const heads = (/** @type {any} */ w, /** @type {any} */ xs) =>
        np.matmul(xs, w).reshape([B, T, H, head]).transpose([0, 2, 1, 3]);
      const [q, k] = [heads(weights[0], rows.ref), heads(weights[1], rows.ref)];
      const v = heads(weights[2], rows);
      const s = np.matmul(q, k.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(head));
      const mixed = np
        .matmul(nn.softmax(s, -1), v)
        .transpose([0, 2, 1, 3])
        .reshape([B * T, D]);
      return np.square(np.matmul(mixed, weights[3])).mean();
    };

  /** @returns {Promise<Task>} */
  async function attentionTask() {
    const work = W5();
    const [x, weights, f] = [array(work.x, work.xShape), arrays(work), attention(work)];
    const compiled = jit(f);
    const gradients = jit(jax.valueAndGrad(f, { argnums: [0, 1] }));
    const loss = () => number(compiled(x.ref, refs(weights)));
    const train = async (/** @type {number} */ k) => {
      for (let i = 0; i < k; i++) {
        const [value, [gx, gw]] = gradients(x.ref, refs(weights));
        await jax.blockUntilReady([gx, ...gw]);
        for (const each of [gx, ...gw]) each.dispose();
        await number(value);
      }
    };
    const run = async (/** @type {number} */ k) => {
      for (let i = 0; i < k; i++) await loss();
    };
    return { series: { train, "forward b8": run }, losses: [await loss()] };
  }

  /** @param {ReturnType<typeof W6>} work */
  const lstm =
    ({ T, I, H, B }) =>
    (/** @type {any[]} */ weights, /** @type {any} */ x, /** @type {any} */ y) => {
      const [wx, wh, b, wd, bd] = weights;
      const all = np
        .matmul(x.reshape([B * T, I]), wx)
        .add(b)
        .reshape([B, T, 4 * H]);
      let [h, c] = [np.zeros([B, H]), np.zeros([B, H])];
      for (let t = 0; t < T; t++) {
        const z = all.ref.slice([], t).add(np.matmul(h, wh.ref));
        const gate = (/** @type {number} */ n) => z.ref.slice([], [n * H, (n + 1) * H]);
        const [i, f, g, o] = [
          nn.sigmoid(gate(0)),
          nn.sigmoid(gate(1)),
          np.tanh(gate(2)),
          nn.sigmoid(gate(3)),
        ];
        z.dispose();
        c = f.mul(c).add(i.mul(g));
        h = o.mul(np.tanh(c.ref));
      }
      all.dispose();
      wh.dispose();
      c.dispose();
      return np.square(np.matmul(h, wd).add(bd).sub(y)).mean();
    };

  /** @returns {Task} */
  function products() {
    /** @type {Task["series"]} */
    const series = {};
    for (const { name, n, transposeA, transposeB } of PRODUCTS) {
      const work = product(n);
      const a = array(work.a, [n, n]);
      let c = array(work.c, [n, n]);
      const multiply = jit((/** @type {any} */ p, /** @type {any} */ q) =>
        np.matmul(transposeA ? p.transpose() : p, transposeB ? q.transpose() : q),
      );
      series[name] = async (k) => {
        for (let i = 0; i < k; i++) c = multiply(a.ref, c);
        await number(c.ref.slice(0, [0, 1]));
      };
    }
    return { series };
  }

  /** @param {any} work @param {(weights: any[], x: any) => any} net */
  const classes = (work, net) =>
    training(work, (weights, x, y) => crossEntropy(net(weights, x), y));

  return {
    version: `${await versionOf("@jax-js/jax")}, ${device === "wasm" ? "wasm, one thread" : device}`,
    async prepare(name) {
      if (name === "W1") {
        return training(W1(), (weights, x, y) =>
          np.square(scores(weights, x, np.tanh).sub(y)).mean(),
        );
      }
      if (name === "W2" || name === "W4") {
        const [work, net] = name === "W2" ? [W2(), scores] : [W4("channels first"), cnn];
        const task = await classes(work, (weights, x) => net(weights, x));
        const probabilities = (/** @type {any[]} */ weights, /** @type {any} */ x) =>
          nn.softmax(net(weights, x), -1);
        for (const batch of name === "W2" ? [1, 32] : [32])
          task.series[`forward b${batch}`] = forward(work, probabilities, batch);
        return task;
      }
      if (name === "W3") return classes(W3(), (weights, x) => scores(weights, x));
      if (name === "W5") return attentionTask();
      if (name === "W6") return training(W6(), lstm(W6()));
      return name === "GEMM" ? products() : undefined;
    },
  };
}
