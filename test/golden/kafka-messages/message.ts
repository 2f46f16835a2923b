/** One of Kafka's messages: in Kafka's own JSON form, and as our codecs know it. */
import type { Api } from '../../../connectors/kafka/wire/api.ts';

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [k: string]: Json };

export interface MessageRow {
  readonly api: Api<never, unknown>;
  readonly kind: 'request' | 'response';
  /** What is asked; of a response what it answers. */
  readonly args?: unknown;
  readonly message: (version: number) => Json;
  /** What a response is read as. */
  readonly answer?: (version: number) => unknown;
}

export const request = <A>(
  api: Api<A, unknown>,
  args: A,
  message: (version: number) => Json,
): MessageRow => ({ api, kind: 'request', args, message });

export const response = <A, B>(
  api: Api<A, B>,
  message: (version: number) => Json,
  answer: (version: number) => B,
  args?: A,
): MessageRow => ({ api, kind: 'response', args, message, answer });

export const MEMBER = { group: 'g', memberId: 'm-1', generation: 70_000 };
export const FAR = 2 ** 52 + 1;

const offset = (partitionIndex: number, committedOffset: number, committedMetadata: string) => ({
  partitionIndex,
  committedOffset,
  committedLeaderEpoch: -1,
  committedMetadata,
});
export const OFFSETS = [
  { topic: 'a', partition: 0, offset: FAR, metadata: 'carillon.state;ab;' },
  { topic: 'b', partition: 300, offset: 0, metadata: '' },
  { topic: 'a', partition: 1, offset: 5, metadata: 'x'.repeat(200) },
];
export const OFFSETS_JSON = [
  {
    name: 'a',
    partitions: [offset(0, FAR, 'carillon.state;ab;'), offset(1, 5, 'x'.repeat(200))],
  },
  { name: 'b', partitions: [offset(300, 0, '')] },
];
export const PARTITIONS = [
  { topic: 'a', partition: 1 },
  { topic: 'a', partition: 0 },
  { topic: 'b', partition: 2 },
];

/** A list of partitions with a code each, as several answers have it. */
export const codes = (list: string, of: string, index: string, code: string, ...all: number[]) => ({
  throttleTimeMs: 11,
  [list]: [
    { name: 'a', [of]: all.map((errorCode, p) => ({ [index]: p, [code]: errorCode })) },
    { name: 'b', [of]: [] },
  ],
});
