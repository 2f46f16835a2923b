/**
 * Several streams of batches as one, each batch as soon as it is there; no order among streams. At
 * most one batch of each is held. Ends when all have ended; a failure of one is everybody's.
 */
export async function* mergeBatches<T>(streams: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  const next = (n: number) => iterators[n]!.next().then((result) => ({ n, result }));
  const waiting = new Map(iterators.map((_, n) => [n, next(n)] as const));
  try {
    while (waiting.size > 0) {
      const { n, result } = await Promise.race(waiting.values());
      if (result.done === true) {
        waiting.delete(n);
        continue;
      }
      waiting.set(n, next(n));
      yield result.value;
    }
  } finally {
    // A stream that waits for records ends with its signal; nobody waits for that here.
    for (const n of waiting.keys()) iterators[n]!.return?.().catch(() => undefined);
  }
}
