/** Entry of the worker: Python lives here, and answers the page's messages. */

import { boot } from "./boot.js";
import { LoomError, asLoomError, deadSession } from "./errors.js";
import { Jobs } from "./jobs.js";
import { buffersIn } from "./plain_data.js";
import { checkToWorker, unreachable } from "./protocol.js";

/** @import { Call, ToPage, ToWorker } from "./protocol.js" */
/** @import { Plain } from "./plain_data.js" */
/** @import { Python } from "./python.js" */

/** How long a message waits at most while a training runs with steps shorter than this. */
const SLICE_MS = 12;

/**
 * The part of a dedicated worker's global scope that is used; the page's types are loaded, not its.
 *
 * @typedef {{ postMessage(message: ToPage, transfer: Transferable[]): void, close(): void }} Scope
 */
const scope = /** @type {Scope} */ (/** @type {unknown} */ (globalThis));

/** @type {{ python: Python, jobs: Jobs } | undefined} */
let session;

/**
 * Jobs by the number of the request that started them.
 *
 * @type {Map<number, import("./jobs.js").Job>}
 */
const jobs = new Map();

/**
 * What Python has asked functions of the page, by the numbers of the questions.
 *
 * @type {Map<number, { id: number, resolve: (value: Plain) => void }>}
 */
const questions = new Map();
let lastQuestion = 0;

/** @param {ToPage} message */
function post(message) {
  scope.postMessage(message, message.kind === "result" ? buffersIn(message.value) : []);
}

/**
 * Tell the page that nothing more will come from here.
 *
 * @param {unknown} error
 */
function fail(error) {
  post({ kind: "failed", error: asLoomError(error).toPlain() });
  scope.close();
}

/** @param {ToWorker} message */
async function handle(message) {
  if (message.kind === "boot") {
    const python = await boot(message.assetBase, (progress) =>
      post({ kind: "progress", progress }),
    );
    session = { python, jobs: new Jobs(python, SLICE_MS) };
    post({ kind: "ready" });
    return;
  }
  if (!session) throw deadSession(`The message ${message.kind} came too early.`);
  switch (message.kind) {
    case "call":
      return answer(message, session);
    case "cancel": {
      const job = jobs.get(message.id);
      if (job) session.jobs.cancel(job, new LoomError("cancelled", "The call was cancelled."));
      return;
    }
    case "release":
      return session.jobs.release(message.handle);
    case "memory":
      return post({ kind: "result", id: message.id, value: session.python.memory() });
    case "answer":
      questions.get(message.question)?.resolve(message.value);
      questions.delete(message.question);
      return;
    default:
      unreachable(message);
  }
}

/**
 * @param {Call} call
 * @param {{ python: Python, jobs: Jobs }} session
 */
async function answer({ id, target, name, args }, session) {
  try {
    if (session.jobs.settling) await session.jobs.settling;
    const reply = session.python.call(
      target,
      name,
      args,
      (callback, values) => post({ kind: "event", id, callback, args: values }),
      (callback, values) =>
        new Promise((resolve) => {
          const question = ++lastQuestion;
          questions.set(question, { id, resolve });
          post({ kind: "question", id, question, callback, args: values });
        }),
    );
    session.jobs.wake();
    if ("job" in reply) {
      const { job, result } = session.jobs.run(reply.job, target);
      jobs.set(id, job);
      post({ kind: "result", id, value: await result });
    } else {
      post({ kind: "result", id, value: reply.value });
    }
  } catch (error) {
    const known = asLoomError(error);
    if (known.code === "worker_failed") throw known;
    post({ kind: "error", id, error: known.toPlain() });
  } finally {
    jobs.delete(id);
    for (const [number, question] of questions) if (question.id === id) questions.delete(number);
  }
}

// Only the page that made a dedicated worker can post to it.
addEventListener("message", ({ data }) => {
  Promise.resolve(data).then(checkToWorker).then(handle).catch(fail);
});
addEventListener("unhandledrejection", ({ reason }) => fail(reason));

post({ kind: "loaded" });
