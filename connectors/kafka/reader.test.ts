import assert from 'node:assert/strict';
import { CarillonError } from '../../core/error.ts';
import type { Record } from '../../core/record.ts';
import { timedTest } from '../../test/kit/virtual-time.ts';
import { silent } from './client.ts';
import type { Feed, FeedHost } from './plane.ts';
import { followTopic, type ReaderParts, readTopic } from './reader.ts';

const test = timedTest([]);
const REFUSED = new CarillonError('CAR645', 'Kafka refuses "t/0": no right to read.');
const AWAY = new CarillonError('CAR640', 'Kafka does not answer.', { retryable: true });

/** A feed that never brings anything, but says why. */
class Refusing implements Feed {
  readonly tellsEnds = true;
  readonly host: FeedHost;
  closed = false;

  constructor(host: FeedHost) {
    this.host = host;
  }

  async start(): Promise<void> {
    this.host.joined('', new Map([['t', [0]]]));
  }

  rejoin(): void {}
  seek(): void {}
  pause(): void {}
  resume(): void {}

  async close(): Promise<void> {
    this.closed = true;
  }
}

class World {
  feed: Refusing | undefined;
  end = 1;
  readonly warned: string[] = [];
  readonly parts: ReaderParts = {
    client: {
      clientId: 'c',
      logger: {
        ...silent,
        warn: (_facts: unknown, what: string) => this.warned.push(what),
      } as never,
    },
    offsets: {
      partitionsOf: async () => 1,
      bounds: async () => [{ low: 0, end: this.end, written: this.end }],
      offsetsAt: async () => [0],
    } as never,
    admin: { forgetGroup: async () => undefined },
    plane: {
      feed: (_spec, host) => {
        this.feed = new Refusing(host);
        return this.feed as never;
      },
    },
  };

  async refuse(error: CarillonError): Promise<void> {
    while (this.feed === undefined) await turn();
    for (let n = 0; n < 5; n++) await turn();
    this.feed.host.unreadable!('t', 0, error);
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

for (const follow of [false, true]) {
  test(`a topic that may not be read ends in CAR645, follow ${follow}`, async () => {
    const world = new World();
    const read = async (): Promise<Record[]> => {
      const all: Record[] = [];
      for await (const some of readTopic(world.parts, 't', { from: 'start', follow })) {
        all.push(...some);
      }
      return all;
    };
    const reading = read();
    const refused = assert.rejects(reading, { code: 'CAR645' });
    await world.refuse(AWAY);
    await world.refuse(REFUSED);
    await refused;
    assert.equal(world.feed!.closed, true);
  });
}

test('a table that may not be read fails at its opening; later it is only said', async () => {
  const world = new World();
  const opening = followTopic(world.parts, 't', () => undefined);
  const refused = assert.rejects(opening, { code: 'CAR645' });
  await world.refuse(REFUSED);
  await refused;
  assert.equal(world.feed!.closed, true);
  const later = new World();
  later.end = 0;
  const following = await followTopic(later.parts, 't', () => undefined);
  await later.refuse(REFUSED);
  assert.deepEqual(later.warned, ['A followed topic cannot be read now.']);
  assert.equal(later.feed!.closed, false);
  await following.close();
});
