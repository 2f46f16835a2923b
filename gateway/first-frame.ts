/**
 * A WebSocket that came without a token says who it is with its first frame: a browser cannot set a
 * header, and a token in a sub-protocol or address stands in the logs of every proxy on the way.
 */
import type { WebSocket } from 'ws';
import { type Cursor, parseCursor } from '../core/cursor.ts';
import { AVRO_FRAMES, type FrameForm, JSON_FRAMES, type SentFrame } from './client-frame.ts';
import { CLOSE_CODES, type CloseCode } from './close-codes.ts';
import { AVRO_SUBPROTOCOL } from './handshake.ts';

export interface FirstFrame {
  readonly token: string;
  readonly after: Cursor | undefined;
}

/**
 * What the device says of itself, or with which code it is turned away: nothing came within
 * `timeoutMs`, or something else. From then on nothing is read from the socket; what came behind it
 * all the same closes it, as nobody could act on it yet. Undefined: the socket is no more.
 */
export function firstFrame(
  socket: WebSocket,
  timeoutMs: number,
): Promise<FirstFrame | CloseCode | undefined> {
  return new Promise((resolve) => {
    const done = (said: FirstFrame | CloseCode | undefined) => {
      clearTimeout(timer);
      socket.off('close', gone);
      resolve(said);
    };
    const gone = () => done(undefined);
    const timer = setTimeout(() => done(CLOSE_CODES.noToken), timeoutMs);
    socket.once('close', gone);
    socket.once('message', (data, isBinary) => {
      socket.pause();
      const { code, reason } = CLOSE_CODES.badFrame;
      socket.on('message', () => {
        socket.resume();
        socket.close(code, `${reason}: wait for the welcome`);
      });
      const form = formOf(socket);
      const isOurs = isBinary === form.isBinary;
      done(isOurs ? readFirst(data as Buffer, form) : CLOSE_CODES.noToken);
    });
  });
}

/** As the sub-protocol says that was answered. */
export function formOf({ protocol }: Pick<WebSocket, 'protocol'>): FrameForm {
  return protocol === AVRO_SUBPROTOCOL ? AVRO_FRAMES : JSON_FRAMES;
}

function readFirst(data: Buffer, form: FrameForm): FirstFrame | CloseCode {
  let frame: SentFrame;
  try {
    frame = form.parse(data);
  } catch {
    return CLOSE_CODES.noToken;
  }
  if (frame?.type !== 'authenticate' || typeof frame.token !== 'string') return CLOSE_CODES.noToken;
  const { token, after } = frame;
  if (after === undefined || after === null) return { token, after: undefined };
  const cursor = typeof after === 'string' ? parseCursor(after) : undefined;
  return cursor === undefined ? CLOSE_CODES.badCursor : { token, after: cursor };
}
