import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { type IdKernel, openIdKernel } from './id-kernel.ts';
import { BLOCK_BYTES, BLOCKS_MAX, DIGEST_BYTES, LANES, PADDING_BYTES_MIN } from './wasm-sha256.ts';

// Both have SIMD wherever Node 24 runs: a module that is refused there is a broken one.
const options = {
  skip: ['x64', 'arm64'].includes(process.arch) ? false : `there may be no SIMD on ${process.arch}`,
};

function kernelHere(): IdKernel {
  const kernel = openIdKernel();
  assert.ok(kernel !== null, 'the module is refused');
  return kernel;
}

const blocksOf = (bytes: number) => Math.ceil((bytes + PADDING_BYTES_MIN) / BLOCK_BYTES);

/** Digests of four messages of as many blocks, in hex. */
function digests(kernel: IdKernel, messages: readonly Uint8Array[]): string[] {
  const blocks = blocksOf(messages[0]!.length);
  for (const [lane, message] of messages.entries()) {
    const padded = Buffer.alloc(blocks * BLOCK_BYTES);
    padded.set(message);
    padded[message.length] = 0x80;
    padded.writeUInt32BE(8 * message.length, padded.length - 4);
    const at = kernel.messageAt(blocks, lane);
    for (const [n, byte] of padded.entries()) kernel.view.setUint8(at + n, byte);
  }
  kernel.digest(blocks);
  return messages.map((_, lane) => {
    const at = kernel.digestAt(lane);
    return Buffer.from(kernel.view.buffer, at, DIGEST_BYTES).toString('hex');
  });
}

// The examples that NIST gives with FIPS 180-4, and the empty message.
const known: readonly [string, string][] = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
];
for (const [message, digest] of known) {
  test(`SHA-256 of ${JSON.stringify(message)}, in every lane`, options, () => {
    const four = new Array(LANES).fill(Buffer.from(message));
    assert.deepEqual(digests(kernelHere(), four), new Array(LANES).fill(digest));
  });
}

test('SHA-256 of every length, four different messages beside each other', options, () => {
  const kernel = kernelHere();
  const lengthMax = BLOCKS_MAX * BLOCK_BYTES - PADDING_BYTES_MIN;
  for (let length = 0; length <= lengthMax; length++) {
    // The last is the longest that has as many blocks.
    const longest = blocksOf(length) * BLOCK_BYTES - PADDING_BYTES_MIN;
    const messages = [length, length, length, longest].map((bytes, lane) =>
      Uint8Array.from({ length: bytes }, (_, n) => (n * 167 + lane * 59 + length) & 0xff),
    );
    assert.deepEqual(
      digests(kernel, messages),
      messages.map((message) => hash('sha256', message, 'hex')),
      `${length} bytes`,
    );
  }
});
