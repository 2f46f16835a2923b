import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { openIdKernel } from './id-kernel.ts';

const kernel = openIdKernel();
const options = { skip: kernel === null ? 'there is no SIMD here' : false };

/** Digests as they are in the memory, and the text of each. */
const rows: readonly [string, string][] = [
  ['00'.repeat(32), '00000000-0000-8000-8000-000000000000'],
  ['ff'.repeat(32), 'ffffffff-ffff-8fff-bfff-ffffffffffff'],
  [`0123456789abcdeffedcba9876543210${'77'.repeat(16)}`, '01234567-89ab-8def-bedc-ba9876543210'],
  [`00112233445566778899aabbccddeeff${'77'.repeat(16)}`, '00112233-4455-8677-8899-aabbccddeeff'],
];

test('four digests become four texts, and no byte beside them', options, () => {
  const { view } = kernel!;
  const bytes = Buffer.from(view.buffer);
  // In every order, so that each lane has each.
  for (let turn = 0; turn < 4; turn++) {
    const turned = [...rows.slice(turn), ...rows.slice(0, turn)];
    for (const [lane, [digest]] of turned.entries())
      bytes.write(digest, kernel!.digestAt(lane), 'hex');
    bytes.fill('*', kernel!.textAt(0), kernel!.textAt(12));
    kernel!.write(4);
    assert.equal(
      bytes.toString('latin1', kernel!.textAt(0), kernel!.textAt(12)),
      `${'*'.repeat(4 * 36)}${turned.map(([, text]) => text).join('')}${'*'.repeat(4 * 36)}`,
    );
  }
});

test('there is room when it was made, and what was written stays', options, () => {
  const own = openIdKernel()!;
  own.write(0);
  let pages = 0;
  for (const texts of [1, 1000, 1742, 1743, 5000, 100_000]) {
    own.makeRoom(texts);
    assert.ok(own.view.byteLength >= own.textAt(texts), `${texts} texts`);
    assert.equal(own.view.getUint8(own.textAt(0)), '0'.charCodeAt(0));
    pages = own.view.byteLength / 65_536;
  }
  own.makeRoom(100_000);
  assert.equal(own.view.byteLength / 65_536, pages);
  assert.throws(() => own.makeRoom(2 ** 32), RangeError);
});

test('instances share no memory', options, () => {
  const [one, other] = [openIdKernel()!, openIdKernel()!];
  one.view.setUint8(one.textAt(0), 1);
  assert.equal(other.view.getUint8(other.textAt(0)), 0);
});

/** Opens kernels where addresses are scarce, and says of each whether it is one. */
const SCARCE = `
  const { openIdKernel } = await import(process.argv[1]);
  const kernels = Array.from({ length: 20 }, () => openIdKernel());
  for (const each of kernels) each?.write(0);
  console.log(kernels.length, kernels[0] !== null);
`;

test('where addresses are used up there is no kernel, and no error', {
  skip: process.platform === 'linux' ? options.skip : 'the limit is one of Linux',
}, () => {
  // Thirty GB: enough for Node and some memories, too little for twenty with their guards.
  const script = 'ulimit -v 30000000; exec "$0" --input-type=module -e "$1" "$2"';
  const file = new URL('./id-kernel.ts', import.meta.url).href;
  const args = ['-c', script, process.execPath, SCARCE, file];
  assert.equal(execFileSync('sh', args, { encoding: 'utf8' }), '20 true\n');
});
