/** TensorFlow.js on its wasm backend (one thread: the page is not isolated), by its core API. */

import { product, PRODUCTS, W1, W2, W3, W4, W5, W6 } from "../workloads.js";

/** @import { Contender, Task } from "../contender.js" */

/** @param {string} path */
function loadScript(path) {
  const script = document.createElement("script");
  script.src = new URL(`../packages/${path}`, location.href).href;
  const loaded = new Promise((done, fail) => {
    script.addEventListener("load", done);
    script.addEventListener("error", () => fail(new Error(`${path} cannot be loaded`)));
  });
  document.head.append(script);
  return loaded;
}

/** @returns {Promise<Contender>} */
export async function startTfjs() {
  await loadScript("@tensorflow/tfjs/dist/tf.min.js");
  await loadScript("@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js");
  const { tf } = /** @type {any} */ (window);
  const folder = new URL("../packages/@tensorflow/tfjs-backend-wasm/dist/", location.href).href;
  tf.wasm.setWasmPaths(folder);
  if (!(await tf.setBackend("wasm"))) throw new Error("the wasm backend of tfjs does not start");
  await tf.ready();

  const variables = (/** @type {any} */ work) =>
    work.weights.map((/** @type {any} */ { data, shape }) => tf.variable(tf.tensor(data, shape)));
  const number = async (/** @type {() => any} */ f) => {
    const scalar = tf.tidy(f);
    const value = (await scalar.data())[0];
    scalar.dispose();
    return value;
  };

  /**
   * @param {any} work
   * @param {(weights: any[], x: any, y: any) => any} lossOf
   * @returns {Promise<Task>}
   */
  async function training(work, lossOf) {
    const [x, y] = [tf.tensor(work.x, work.xShape), tf.tensor(work.y, work.yShape)];
    const weights = variables(work);
    const optimizer = tf.train.sgd(work.rate);
    const loss = () => lossOf(weights, x, y);
    const train = async (/** @type {number} */ k) => {
      for (let i = 0; i < k; i++) optimizer.minimize(loss, false);
      await weights.at(-1).data();
    };
    const losses = [await number(loss)];
    await train(5);
    losses.push(await number(loss));
    return { series: { train }, losses };
  }

  /** @param {any} work @param {(weights: any[], x: any) => any} f @param {number} batch */
  function forward(work, f, batch) {
    const weights = variables(work);
    const shape = [batch, ...work.xShape.slice(1)];
    const x = work.x.slice(0, (work.x.length / work.xShape[0]) * batch);
    return async (/** @type {number} */ k) => {
      for (let i = 0; i < k; i++) {
        const y = tf.tidy(() => f(weights, tf.tensor(x, shape)));
        await y.data();
        y.dispose();
      }
    };
  }

  const scores = (/** @type {any[]} */ weights, /** @type {any} */ x, act = "relu") => {
    for (let i = 0; i < weights.length; i += 2) {
      x = x.matMul(weights[i]).add(weights[i + 1]);
      if (i + 2 < weights.length) x = tf[act](x);
    }
    return x;
  };
  const cnn = (/** @type {any[]} */ [k1, b1, k2, b2, w, b], /** @type {any} */ x) => {
    const h = tf.relu(tf.conv2d(x, k1, 1, "same").add(b1));
    const y = tf.relu(tf.conv2d(h, k2, 2, "same").add(b2));
    return y.reshape([x.shape[0], -1]).matMul(w).add(b);
  };
  const classes = (/** @type {any} */ work, /** @type {any} */ net) =>
    training(work, (weights, x, y) => tf.losses.softmaxCrossEntropy(y, net(weights, x)));
  const probabilities =
    (/** @type {any} */ net) => (/** @type {any[]} */ weights, /** @type {any} */ x) =>
      tf.softmax(net(weights, x));

  /** @returns {Promise<Task>} */
  async function attention() {
    const work = W5();
    const { B, T, D, H, head } = work;
    const [x, weights] = [tf.variable(tf.tensor(work.x, work.xShape)), variables(work)];
    const loss = () => {
      const rows = x.reshape([B * T, D]);
      const [q, k, v] = weights
        .slice(0, 3)
        .map((/** @type {any} */ w) =>
          rows.matMul(w).reshape([B, T, H, head]).transpose([0, 2, 1, 3]),
        );
      const s = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(head));
      const mixed = tf
        .matMul(tf.softmax(s), v)
        .transpose([0, 2, 1, 3])
        .reshape([B * T, D]);
      return mixed.matMul(weights[3]).square().mean();
    };
    const train = async (/** @type {number} */ k) => {
      for (let i = 0; i < k; i++) {
        const { value, grads } = tf.tidy(() => tf.variableGrads(loss));
        await Promise.all([value.data(), grads[weights[0].name].data()]);
        value.dispose();
        tf.dispose(grads);
      }
    };
    const run = async (/** @type {number} */ k) => {
      for (let i = 0; i < k; i++) await number(loss);
    };
    return { series: { train, "forward b8": run }, losses: [await number(loss)] };
  }

  /** @param {ReturnType<typeof W6>} work */
  const lstm =
    ({ T, I, H, B }) =>
    (/** @type {any[]} */ [wx, wh, b, wd, bd], /** @type {any} */ x, /** @type {any} */ y) => {
      const all = tf.unstack(
        x
          .reshape([B * T, I])
          .matMul(wx)
          .add(b)
          .reshape([B, T, 4 * H]),
        1,
      );
      let [h, c] = [tf.zeros([B, H]), tf.zeros([B, H])];
      for (const part of all) {
        const [i, f, g, o] = tf.split(part.add(h.matMul(wh)), 4, 1);
        c = tf
          .sigmoid(f)
          .mul(c)
          .add(tf.sigmoid(i).mul(tf.tanh(g)));
        h = tf.sigmoid(o).mul(tf.tanh(c));
      }
      return h.matMul(wd).add(bd).sub(y).square().mean();
    };

  /** @returns {Task} */
  function products() {
    /** @type {Task["series"]} */
    const series = {};
    for (const { name, n, transposeA, transposeB } of PRODUCTS) {
      // Its transposed products run at a twentieth of the speed of the plain one.
      if (n > 512 && (transposeA || transposeB)) continue;
      const work = product(n);
      const [a, b] = [tf.tensor(work.a, [n, n]), tf.tensor(work.c, [n, n])];
      series[name] = async (k) => {
        for (let i = 0; i < k; i++) {
          const c = tf.matMul(a, b, transposeA, transposeB);
          if (i === k - 1) await c.slice([0, 0], [1, 1]).data();
          c.dispose();
        }
      };
    }
    return { series };
  }

  return {
    version: `${tf.version.tfjs}, wasm, one thread`,
    async prepare(name) {
      if (name === "W1") {
        return training(W1(), (weights, x, y) => scores(weights, x, "tanh").sub(y).square().mean());
      }
      if (name === "W2") {
        const task = await classes(W2(), scores);
        for (const batch of [1, 32])
          task.series[`forward b${batch}`] = forward(W2(), probabilities(scores), batch);
        return task;
      }
      if (name === "W3") return classes(W3(), scores);
      if (name === "W4") {
        const series = { "forward b32": forward(W4("channels last"), probabilities(cnn), 32) };
        return { series, notes: "no gradient of a convolution in its wasm backend" };
      }
      if (name === "W5") return attention();
      if (name === "W6") return training(W6(), lstm(W6()));
      return name === "GEMM" ? products() : undefined;
    },
  };
}
