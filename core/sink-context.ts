/** What a sink is handed when it opens. */
import type { Clock } from './clock.ts';
import type { Priorities } from './priority.ts';
import type { Show } from './show.ts';
import type { TextWords } from './words.ts';

export interface SinkContext {
  /** The sink's name in the topology. */
  readonly name: string;
  readonly clock: Clock;
  /** Of the topology: a notification names one of them. Absent: RENO's. */
  readonly priorities?: Priorities;
  /** Of the topology: what people read where a stream shows no text. Absent: RENO's. */
  readonly texts?: TextWords;
  /**
   * Something that the wiring provides by name: `payload` (decodes a notification's payload to JSON
   * form), `gateways` (the follower of tables.gateways), `inbox` (the inbox store). Throws when the
   * wiring has no such thing.
   */
  service<T>(name: string): T;
  /** What people see of a use case's notifications; null, or absent: nothing. */
  readonly show?: (useCase: string) => Show | null;
  /** The deployment's settings of this connector (`connectors.fcm` in carillon.yaml). */
  readonly settings: Readonly<globalThis.Record<string, unknown>>;
}
