import { murmur2 } from '../core/partition.ts';
import type { Record } from '../core/record.ts';
import { count, defineEach } from '../core/spec.ts';
import { dropped, PASSED } from '../core/verdict.ts';

const SAMPLED_OUT = dropped('sampled_out');

/**
 * 32 bits that do not lean on the partition: the partition is murmur2 of the key, so without this
 * final mix (murmur3's `fmix32`) a sample of one in 12 would be the whole of one partition in 12.
 */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hashOf(record: Record): number {
  const key = record.keyBytes;
  return mixed(key === null ? record.offset | 0 : murmur2(key));
}

export const sample = defineEach({
  type: 'sample',
  summary: 'Keep a fixed share of the keys, the same ones always.',
  description:
    'Decided by a hash of the key, without chance: all records of a key are kept or none, in every ' +
    'process and every replay. Records without a key are sampled by their offset.',
  config: {
    keep: count('How many keys of every `of` are kept.'),
    of: count('What `keep` is counted in.', 100),
  },
  drops: { sampled_out: 'The key is not in the sample.' },
  isWeaker: (options, than) =>
    options.of === than.of && (options.keep as number) >= (than.keep as number),
  warns({ keep, of }) {
    const why = `is not below of (${of}), so every key is kept`;
    return keep >= of ? [{ option: 'keep', kind: 'no_effect', why }] : [];
  },
  example: '- sample: { keep: 5, of: 100 }',
  open({ keep, of }) {
    return (record) => (hashOf(record) % of < keep ? PASSED : SAMPLED_OUT);
  },
});
