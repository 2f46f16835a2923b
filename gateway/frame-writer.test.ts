import assert from 'node:assert/strict';
import { Duplex, type Writable } from 'node:stream';
import { test } from 'node:test';
import * as ws from 'ws';
import { writeBinary, writeFrame, writeText } from './frame-writer.ts';

/** The types of `ws` do not tell of it. */
const { Receiver } = ws as unknown as {
  readonly Receiver: new (options: { readonly allowSynchronousEvents: boolean }) => Writable;
};

/** A socket that keeps what is written, one chunk a write. */
function keeping(): { readonly socket: Duplex; readonly writes: Buffer[] } {
  const writes: Buffer[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      writes.push(chunk);
      done();
    },
  });
  return { socket, writes };
}

/** As a client reads it: `ws` itself. */
function read(bytes: Buffer): { readonly data: Buffer; readonly isBinary: boolean }[] {
  const seen: { data: Buffer; isBinary: boolean }[] = [];
  const receiver = new Receiver({ allowSynchronousEvents: true });
  receiver.on('message', (data: Buffer, isBinary: boolean) => seen.push({ data, isBinary }));
  receiver.write(bytes);
  return seen;
}

for (const [what, text] of [
  ['nothing', ''],
  ['the longest short one', 'a'.repeat(125)],
  ['the shortest middle one', 'a'.repeat(126)],
  ['a length with both bytes', 'a'.repeat(0x1234)],
  ['the longest middle one', 'a'.repeat(0xffff)],
  ['the shortest long one', 'a'.repeat(0x1_0000)],
  ['no ASCII, but below 256', `${'a'.repeat(124)}é`],
  ['what has no one byte', 'Пройдено 👍'],
  ['long, and no ASCII', 'ü'.repeat(0x9000)],
] as const) {
  test(`text: ${what}`, () => {
    const { socket, writes } = keeping();
    writeText(socket, text);
    assert.equal(writes.length, 1);
    const [frame, ...more] = read(writes[0]!);
    assert.deepEqual(more, []);
    assert.equal(frame?.isBinary, false);
    assert.equal(frame.data.toString('utf8'), text);
  });
}

for (const length of [0, 125, 126, 0xffff, 0x1_0001]) {
  test(`binary: ${length} bytes`, () => {
    const { socket, writes } = keeping();
    const bytes = Buffer.alloc(length, 0xe9);
    writeBinary(socket, bytes);
    assert.equal(writes.length, 1);
    assert.deepEqual(read(writes[0]!), [{ data: bytes, isBinary: true }]);
  });
}

test('what is packed, and what comes after a close frame, goes through the socket', () => {
  const { socket: raw, writes } = keeping();
  const sent: (string | Buffer)[] = [];
  const socket = (readyState: 1 | 2) => ({
    OPEN: 1 as const,
    readyState,
    send: (data: unknown) => void sent.push(data as string | Buffer),
  });
  writeFrame(socket(1), null, 'packed');
  writeFrame(socket(2), raw, 'late');
  writeFrame(socket(2), raw, Buffer.from('later'));
  assert.deepEqual([sent.map(String), writes], [['packed', 'late', 'later'], []]);
  writeFrame(socket(1), raw, 'a');
  writeFrame(socket(1), raw, Buffer.from('b'));
  assert.deepEqual(Buffer.concat(writes), Buffer.from([0x81, 1, 0x61, 0x82, 1, 0x62]));
  assert.equal(sent.length, 3);
});
