/**
 * Watching a network from JavaScript: events of a `ChannelObserver` as an async iterator, and
 * functions that are called with them.
 */

/** @import { ChannelObserver, Loom, Network, Thread } from "./generated/api.js" */
/** @import { LayerEvent, TrainingEvent } from "./generated/api.js" */

/**
 * @typedef {object} EventOptions
 * @property {number} [maxEvents] how many events Python hands over at once; 256 when left out
 * @property {AbortSignal} [signal] ends the iteration: it rejects with the signal's reason
 */

/**
 * @typedef {object} Handlers
 * @property {(event: LayerEvent) => void} [onForward] a layer has computed its outputs
 * @property {(event: LayerEvent) => void} [onBackward] the gradient has passed a layer
 * @property {(event: TrainingEvent) => void} [onTrainingEvent] an epoch or batch has started or ended
 */

/**
 * @typedef {object} ObserveOptions
 * @property {number} [everyN] steps of a training from one that is watched to the next
 * @property {number} [bufferSize] events that wait at most; newer ones are dropped
 * @property {AbortSignal} [signal] ends the watching at once
 */

/**
 * The events of a channel, as they come, until it is closed.
 *
 *     for await (const event of observerEvents(channel)) show(event);
 *
 * @param {ChannelObserver<Thread>} channel
 * @param {EventOptions} [options]
 * @returns {AsyncGenerator<LayerEvent | TrainingEvent, void, void>}
 */
export async function* observerEvents(channel, { maxEvents, signal } = {}) {
  for (;;) {
    const events = await channel.Next(maxEvents, { signal });
    if (events.length === 0) return;
    yield* events;
  }
}

/**
 * @typedef {object} Watch
 * @property {Promise<void>} ended resolves when the watching has ended, and rejects with what a
 *   function threw; either way nobody watches the network any more
 * @property {() => Promise<void>} stop ends it, after the functions have got what happened before
 */

/**
 * Call functions with what a network's layers compute, and with the events of its training.
 *
 *     const watch = await observe(loom, network, { onForward: show });
 *     await network.Train(data);
 *     await watch.stop();
 *
 * @param {Loom<Thread>} loom
 * @param {Network<Thread>} network
 * @param {Handlers} handlers
 * @param {ObserveOptions} [options]
 * @returns {Promise<Watch>} when everything that happens from now on is watched
 */
export async function observe(loom, network, handlers, { everyN, bufferSize, signal } = {}) {
  const channel = await loom.NewChannelObserver(bufferSize);
  try {
    await network.SetObserver(channel, everyN);
  } catch (error) {
    channel.dispose();
    throw error;
  }
  const ended = listen(network, channel, handlers, signal);
  const stop = async () => {
    await channel.Close();
    await ended;
  };
  return { ended, stop };
}

/**
 * @param {Network<Thread>} network
 * @param {ChannelObserver<Thread>} channel is disposed of in the end
 * @param {Handlers} handlers
 * @param {AbortSignal} [signal]
 */
async function listen(network, channel, handlers, signal) {
  try {
    await channel.Listen((event) => dispatch(handlers, event), { signal });
  } catch (error) {
    if (!signal?.aborted || error !== signal.reason) throw error;
  } finally {
    await removeObserver(network).finally(() => channel.dispose());
  }
}

/** @param {Network<Thread>} network */
async function removeObserver(network) {
  await network.SetObserver(null);
}

/**
 * @param {Handlers} handlers
 * @param {LayerEvent | TrainingEvent} event
 */
function dispatch({ onForward, onBackward, onTrainingEvent }, event) {
  if (!("Stats" in event)) onTrainingEvent?.(event);
  else if (event.Type === "forward") onForward?.(event);
  else onBackward?.(event);
}
