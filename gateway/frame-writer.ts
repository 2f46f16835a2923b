/**
 * Frames to a device, as one write each (RFC 6455, 5.2). `ws` makes two of a frame, its head and
 * its text, and corks them together: half as much processor time again as the write itself takes.
 * What is packed, and all control frames, are left to `ws`, which writes at once, too: so both keep
 * one order on one socket.
 */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/** FIN, and the opcode. */
const TEXT = 0x81;
const BINARY = 0x82;
/** Payload lengths that stand in 7 bits, and in 16; above it is 64. */
const SHORT_MAX = 125;
const MIDDLE_MAX = 0xffff;
const MIDDLE = 126;
const LONG = 127;

/**
 * `raw`: below the socket; null: frames may not be written there. What comes after a close frame
 * would break the protocol: `ws` lets it fall.
 */
export function writeFrame(
  socket: Pick<WebSocket, 'send' | 'readyState' | 'OPEN'>,
  raw: Duplex | null,
  data: string | Buffer,
): void {
  if (raw === null || socket.readyState !== socket.OPEN) socket.send(data);
  else if (typeof data === 'string') writeText(raw, data);
  else writeBinary(raw, data);
}

/** The text as a text frame; none of ours is masked, as a server's must not be. */
export function writeText(socket: Duplex, text: string): void {
  const length = Buffer.byteLength(text, 'utf8');
  // ASCII goes out as it is: as many bytes as characters, and none is copied into a buffer before.
  if (length === text.length) socket.write(headText(length) + text, 'latin1');
  else socket.write(framed(TEXT, length, (frame, at) => frame.write(text, at, 'utf8')));
}

/** The bytes as a binary frame. */
export function writeBinary(socket: Duplex, bytes: Buffer): void {
  socket.write(framed(BINARY, bytes.length, (frame, at) => bytes.copy(frame, at)));
}

/** The head of a text frame, a byte a character. */
function headText(length: number): string {
  if (length <= SHORT_MAX) return String.fromCharCode(TEXT, length);
  if (length <= MIDDLE_MAX) return String.fromCharCode(TEXT, MIDDLE, length >> 8, length & 0xff);
  return headOf(TEXT, length).toString('latin1');
}

function framed(opcode: number, length: number, fill: (frame: Buffer, at: number) => void): Buffer {
  const head = headOf(opcode, length);
  const frame = Buffer.allocUnsafe(head.length + length);
  head.copy(frame);
  fill(frame, head.length);
  return frame;
}

function headOf(opcode: number, length: number): Buffer {
  if (length <= SHORT_MAX) return Buffer.from([opcode, length]);
  if (length <= MIDDLE_MAX) return Buffer.from([opcode, MIDDLE, length >> 8, length & 0xff]);
  const head = Buffer.alloc(10);
  head[0] = opcode;
  head[1] = LONG;
  head.writeUIntBE(length, 4, 6);
  return head;
}
