/** Our codecs of Kafka's protocol beside Kafka's own, message by message, without a broker. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { RequestWriter } from '../../connectors/kafka/wire/request-writer.ts';
import { ResponseReader } from '../../connectors/kafka/wire/response-reader.ts';
import { lines } from './kafka-messages/rows.ts';

const recorded = JSON.parse(
  readFileSync(new URL('./kafka-messages/bytes.json', import.meta.url), 'utf8'),
) as { readonly [line: string]: string };

describe('messages of the Kafka protocol', () => {
  const seen = new Set<string>();
  for (const { row, version, line } of lines()) {
    const { api, kind, args, answer } = row;
    seen.add(line);
    test(`${api.name} ${version}, ${kind}: ${line.slice(-60)}`, () => {
      const hex = recorded[line];
      assert.ok(hex !== undefined, 'not recorded: node test/golden/kafka-messages/record.ts');
      if (kind === 'request') {
        const writer = new RequestWriter();
        api.write(writer, args as never, version);
        assert.equal(Buffer.concat(writer.done()).toString('hex'), hex);
        return;
      }
      const reader = new ResponseReader(Buffer.from(hex, 'hex'));
      assert.deepEqual(api.read(reader, version, args as never), answer!(version));
      assert.equal(reader.left, 0);
    });
  }

  test('nothing else is recorded', () => {
    assert.deepEqual(
      Object.keys(recorded).filter((line) => !seen.has(line)),
      [],
    );
  });
});
