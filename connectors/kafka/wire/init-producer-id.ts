/**
 * InitProducerId, versions 3 and 4: a new identity; for a transactional id also the end of whatever
 * its former owner had open, and the fence against it (KIP-98, KIP-360).
 */
import type { Api, Throttled } from './api.ts';
import type { ProducerIdentity } from './produce-request.ts';

export interface InitProducerIdRequest {
  readonly transactionalId: string | null;
  /** After that long without an end the broker aborts a transaction by itself. */
  readonly transactionTimeoutMs: number;
  /** The identity that is to be followed: refused when another has taken over since. */
  readonly after: ProducerIdentity | null;
}

export interface InitProducerIdAnswer extends Throttled, ProducerIdentity {
  readonly code: number;
}

export const INIT_PRODUCER_ID: Api<InitProducerIdRequest, InitProducerIdAnswer> = {
  key: 22,
  name: 'InitProducerId',
  min: 3,
  max: 4,
  write(writer, { transactionalId, transactionTimeoutMs, after }) {
    writer.text(transactionalId).int32(transactionTimeoutMs);
    writer
      .int64(after?.producerId ?? -1)
      .int16(after?.epoch ?? -1)
      .tags();
  },
  read(reader) {
    const throttleMs = reader.int32();
    const code = reader.int16();
    const producerId = reader.int64();
    const epoch = reader.int16();
    reader.tags();
    return { throttleMs, code, producerId, epoch };
  },
};
