/**
 * What a device sends on its open stream: read, and checked as far as it can be without looking.
 */
import { type Cursor, parseCursor } from '../core/cursor.ts';
import { decodeClientFrame } from '../schemas/frame-codec.ts';
import { REPORT_BYTES_MAX } from './reports.ts';

/** What a device sends: an object, if it is a frame. */
export type SentFrame = { readonly [field: string]: unknown } | null;

export type ReadFrame =
  | { readonly type: 'ping' }
  | { readonly type: 'ids'; readonly ids: readonly string[] }
  | { readonly type: 'cursor'; readonly cursor: Cursor }
  /** `body`: all of it but the type, as it would come over HTTP. */
  | { readonly type: 'report'; readonly body: { readonly [field: string]: unknown } }
  | { readonly type: 'wrong'; readonly why: string };

const wrong = (why: string): ReadFrame => ({ type: 'wrong', why });

/** How frames are written on a socket, by its sub-protocol. */
export interface FrameForm {
  readonly isBinary: boolean;
  /** What is wrong with frames of the other kind. */
  readonly are: string;
  /** What is wrong with bytes that are none. */
  readonly no: string;
  /** Throws for what is no frame. */
  parse(data: Buffer): SentFrame;
}

export const JSON_FRAMES: FrameForm = {
  isBinary: false,
  are: 'frames are JSON text',
  no: 'not JSON',
  parse: (data) => JSON.parse(data.toString('utf8')),
};

export const AVRO_FRAMES: FrameForm = {
  isBinary: true,
  are: 'frames are Avro, in binary messages',
  no: 'not of the Avro schema of frames',
  parse: decodeClientFrame,
};

/** `idsMax`: of one acknowledgement. */
export function readFrame(data: Buffer, idsMax: number, form = JSON_FRAMES): ReadFrame {
  let frame: SentFrame;
  try {
    frame = form.parse(data);
  } catch {
    return wrong(form.no);
  }
  if (frame?.type === 'ping') return { type: 'ping' };
  if (frame?.type === 'ack') return acknowledgement(frame, idsMax);
  if (frame?.type !== 'report') return wrong('type is none of ack, ping, report');
  if (data.length > REPORT_BYTES_MAX)
    return wrong(`a report has at most ${REPORT_BYTES_MAX} bytes`);
  const { type: _, ...body } = frame;
  return { type: 'report', body };
}

function acknowledgement(
  { cursor: text, ids }: { readonly [field: string]: unknown },
  idsMax: number,
): ReadFrame {
  const given = ids === undefined ? undefined : wrongId(ids);
  if (given !== undefined) return wrong(given);
  if (text !== undefined) {
    if (Array.isArray(ids) && ids.length > 0) return wrong('ack has ids and a cursor: send one');
    const cursor = typeof text === 'string' ? parseCursor(text) : undefined;
    return cursor === undefined
      ? wrong('cursor is not one that was given')
      : { type: 'cursor', cursor };
  }
  if (!Array.isArray(ids)) return wrong('ack has neither ids nor cursor');
  return ids.length > idsMax ? wrong(`ids has more than ${idsMax}`) : { type: 'ids', ids };
}

function wrongId(ids: unknown): string | undefined {
  if (!Array.isArray(ids)) return '/ids is no list of ids';
  const at = ids.findIndex((id) => typeof id !== 'string' || id === '');
  return at < 0 ? undefined : `/ids/${at} is no id: text that is not empty`;
}
