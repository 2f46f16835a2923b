/** A log on which a process dies on its way through an edit: after so many writes of the edit. */
import type { EditableLog } from '../../core/log.ts';

export const CRASH = 'the process dies here';

export interface FailingLog {
  readonly log: EditableLog;
  /** After so many writes of an edit the next one fails, and all that follow. */
  failAfter: number;
}

/** Fails what an edit writes by itself; what tasks commit is theirs. */
export function failing(log: EditableLog): FailingLog {
  const failing: { log: EditableLog; failAfter: number } = {
    log,
    failAfter: Number.POSITIVE_INFINITY,
  };
  const mayWrite = () => {
    if (failing.failAfter-- <= 0) throw new Error(CRASH);
  };
  const { positions } = log;
  failing.log = new Proxy(log, {
    get(of, name) {
      if (name === 'producer') {
        return async () => {
          const producer = await of.producer();
          return {
            send: async (batches: Parameters<typeof producer.send>[0]) => {
              // A broker takes one after the other: a process may die between two of them.
              for (const batch of batches) {
                mayWrite();
                await producer.send([batch]);
              }
            },
            close: () => producer.close(),
          };
        };
      }
      if (name === 'positions') {
        return {
          ...positions,
          set: async (...args: Parameters<typeof positions.set>) => {
            mayWrite();
            return positions.set(...args);
          },
        };
      }
      const value = Reflect.get(of, name, of) as unknown;
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
  return failing;
}
