// Time and chance, as arguments: tests bring their own.
import { on } from './signals.js';

export interface Timing {
  /** The device's clock, milliseconds since 1970. It may be wrong, and somebody may set it at any moment. */
  now(): number;
  /** Milliseconds since some moment, by a clock that nobody sets. All waits go by it. */
  elapsed(): number;
  /** Whether it slept to the end: false as soon as the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<boolean>;
  /** From 0 to 1, for jitter. */
  random(): number;
}

// setTimeout takes no more, and fires at once where it is given more.
const LONGEST = 2 ** 31 - 1;

export const systemTiming: Timing = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  random: () => Math.random(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve(false);
      const end = (slept: boolean) => () => {
        clearTimeout(timer);
        stop();
        resolve(slept);
      };
      const timer = setTimeout(end(true), Math.min(milliseconds, LONGEST));
      const stop = on(signal, 'abort', end(false));
    }),
};
