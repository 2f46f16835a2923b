/** One of Kafka's requests, in the versions that we write and read. */
import type { RequestWriter } from './request-writer.ts';
import type { ResponseReader } from './response-reader.ts';

/**
 * All versions are flexible ones (request header 2, response header 1), which Kafka has had since
 * 2.4 to 2.8: so 2.8 is the oldest broker that this data plane speaks to.
 */
export interface Api<Args, Answer> {
  readonly key: number;
  readonly name: string;
  readonly min: number;
  readonly max: number;
  write(writer: RequestWriter, args: Args, version: number): void;
  read(reader: ResponseReader, version: number, args: Args): Answer;
}

/** An answer that asks to wait before the next request (KIP-219), in milliseconds. */
export interface Throttled {
  readonly throttleMs: number;
}
