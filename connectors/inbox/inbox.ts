/** The sink that keeps every notification per device, so that pull, resume and gap filling work. */
import type { InboxStore } from '../../core/inbox.ts';
import type { Delivery, Outcome } from '../../core/outcome.ts';
import { defineSink, duration, type Sink } from '../../core/spec.ts';

export const inbox = defineSink({
  type: 'inbox',
  summary: "Keeps notifications in the devices' inboxes, in SQLite or Cassandra.",
  description:
    'A row is kept for `ttl` from when it is written (from the event time when that is later), also ' +
    'when its deadline passes earlier: until then its number is told as skipped, so that it is not ' +
    'taken for a gap (rules D5, D6). Writing a notification again leaves one row and begins its ttl ' +
    'anew. Which store it is, is a matter of the deployment.',
  config: {
    ttl: duration('How long a device may be away and still get what it missed.', '7d'),
  },
  promises: [
    'Idempotent: a notification that is written again is one row.',
    'Delivered means durable, as durable as the store is.',
    'Keeps what is late or expired too; the reader judges.',
  ],
  batchMax: 128,
  needsOwner: false,
  keeps: true,
  warns({ ttl }) {
    const why = 'is no time at all: nothing is kept for a device that is away';
    return ttl === 0 ? [{ option: 'ttl', kind: 'always_lost', why }] : [];
  },
  example: 'to: { type: inbox, ttl: 7d, in_flight_max: 128, timeout: 1s }',
  async open({ ttl }, context): Promise<Sink> {
    const store = context.service<InboxStore>('inbox');
    return {
      probe: () => store.probe(),
      async deliver(batch: readonly Delivery[]): Promise<readonly Outcome[]> {
        const now = context.clock.now();
        return await store.write(
          batch.map(({ notification }) => ({
            notification,
            expiresAt: Math.max(notification.born, now) + ttl,
          })),
        );
      },
      // The store is the wiring's: others read from it.
      close: async () => undefined,
    };
  },
});
