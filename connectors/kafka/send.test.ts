/** Rounds and leaders against a sender that acts as kafkajs does; no broker. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PartitionMetadata, TopicMessages } from 'kafkajs';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { LeaderMoved, Leaders } from './leaders.ts';
import { type OutMessage, type Piece, piecesOf } from './messages.ts';
import { type BatchSender, roundsOf, sendRound } from './send.ts';

/** One piece of one record for each `topic/partition`. */
function pieces(...places: string[]): Piece[] {
  return places.map((place, at) => {
    const [topic, partition] = place.split('/');
    const builder = new BatchBuilder(topic!, Number(partition));
    builder.append(1, null, Buffer.from(place));
    return piecesOf(builder.finish(), at)[0]!;
  });
}

const placeOf = ({ topic, partition }: { topic: string; partition: number }) =>
  `${topic}/${partition}`;

describe('rounds', () => {
  const table: readonly [what: string, places: string[], rounds: string[]][] = [
    ['nothing', [], []],
    ['one of each partition', ['a/0', 'a/1', 'b/0'], ['a/0 a/1 b/0']],
    ['a partition once in each', ['a/0', 'a/0', 'a/1', 'a/0'], ['a/0 a/1', 'a/0', 'a/0']],
    ['the same number of another topic', ['a/0', 'b/0', 'b/0'], ['a/0 b/0', 'b/0']],
  ];
  for (const [what, places, rounds] of table) {
    test(what, () => {
      const all = pieces(...places);
      const got = roundsOf(all);
      assert.deepEqual(
        got.map((round) => round.map(placeOf).join(' ')),
        rounds,
      );
      // In order within a partition: a later piece is in a later round.
      for (const place of new Set(places)) {
        const order = got.flat().filter((piece) => placeOf(piece) === place);
        assert.deepEqual(
          order,
          all.filter((piece) => placeOf(piece) === place),
        );
      }
    });
  }
});

/**
 * Sends as kafkajs does: it asks the partitioner about every message, with the leaders as it knows
 * them, before it sends anything. `cluster` says who leads `topic/partition` at the n-th request.
 */
class Sender implements BatchSender {
  readonly requests: string[] = [];
  readonly #leaders: Leaders;
  readonly #cluster: (place: string, request: number) => number;
  #offset = 100;
  answers = (_place: string) => true;

  constructor(leaders: Leaders, cluster: (place: string, request: number) => number) {
    this.#leaders = leaders;
    this.#cluster = cluster;
  }

  async sendBatch({ topicMessages = [] }: { topicMessages?: TopicMessages[] }) {
    const request = this.requests.length;
    const partitioner = this.#leaders.partitioner();
    const places: string[] = [];
    const metadata = new Map<string, PartitionMetadata[]>();
    try {
      for (const { topic, messages } of topicMessages) {
        for (const message of messages) {
          if (!metadata.has(topic)) metadata.set(topic, this.#metadata(topic, request));
          const partitionMetadata = metadata.get(topic)!;
          const partition = partitioner({ topic, partitionMetadata, message });
          assert.equal(partition, (message as OutMessage).partition);
          places.push(`${topic}/${partition}`);
        }
      }
    } catch (error) {
      this.requests.push(`refused ${(error as Error).name}`);
      throw error;
    }
    this.requests.push(places.join(' '));
    const answered = [...new Set(places)].filter((place) => this.answers(place));
    return answered.map((place) => {
      const [topicName, partition] = place.split('/');
      const baseOffset = String(this.#offset++);
      return { topicName: topicName!, partition: Number(partition), errorCode: 0, baseOffset };
    });
  }

  #metadata(topic: string, request: number): PartitionMetadata[] {
    return [0, 1, 2].map((partitionId) => ({
      partitionId,
      leader: this.#cluster(`${topic}/${partitionId}`, request),
      partitionErrorCode: 0,
      replicas: [],
      isr: [],
    }));
  }
}

const even = (place: string) => Number(place.at(-1)) % 2;

describe('a round', () => {
  for (const parallel of [true, false]) {
    test(`goes out one leader a request, once they are known (parallel: ${parallel})`, async () => {
      const leaders = new Leaders();
      const sender = new Sender(leaders, even);
      const round = pieces('a/0', 'a/1', 'b/0', 'b/1');
      const offsets = await sendRound(sender, leaders, round, parallel);
      assert.equal(offsets.length, 4);
      assert.equal(new Set(offsets).size, 4);
      // The first attempt learns the leaders of topic a, and is stopped before it sends.
      assert.equal(sender.requests[0], 'refused LeaderMoved');
      for (const request of sender.requests.filter((one) => !one.startsWith('refused'))) {
        assert.equal(new Set(request.split(' ').map(even)).size, 1, request);
      }
      const before = sender.requests.length;
      await sendRound(sender, leaders, pieces('a/0', 'a/1', 'b/0', 'b/1'), parallel);
      assert.deepEqual(sender.requests.slice(before).sort(), ['a/0 b/0', 'a/1 b/1']);
    });
  }

  test('to one leader is one request, although nothing is known yet', async () => {
    const leaders = new Leaders();
    const sender = new Sender(leaders, () => 7);
    assert.deepEqual(await sendRound(sender, leaders, pieces('a/0', 'a/2'), true), [100, 101]);
    assert.deepEqual(sender.requests, ['a/0 a/2']);
  });

  test('whose leader moves while it is sent is grouped anew, nothing is sent twice', async () => {
    const leaders = new Leaders();
    // a/1 moves to the leader of a/0 and back before the second round.
    const sender = new Sender(leaders, (place, request) => (request >= 4 ? 1 : even(place)));
    await sendRound(sender, leaders, pieces('a/0', 'a/1', 'a/2'), false);
    const before = sender.requests.length;
    await sendRound(sender, leaders, pieces('a/0', 'a/1', 'a/2'), false);
    const sent = sender.requests
      .slice(before)
      .filter((one) => !one.startsWith('refused'))
      .flatMap((one) => one.split(' '));
    assert.deepEqual(sent.sort(), ['a/0', 'a/1', 'a/2']);
  });

  test('whose leaders never come to rest ends with an error', async () => {
    const leaders = new Leaders();
    let n = 0;
    const sender = new Sender(leaders, () => n++);
    await assert.rejects(sendRound(sender, leaders, pieces('a/0', 'a/1'), true), LeaderMoved);
    assert.ok(sender.requests.length < 40, `${sender.requests.length} requests`);
  });

  test('of which a partition had no answer is not sent', async () => {
    const leaders = new Leaders();
    const sender = new Sender(leaders, () => 7);
    sender.answers = (place) => place !== 'a/2';
    const done = new Map<Piece, number>();
    const round = pieces('a/0', 'a/2');
    const sending = sendRound(sender, leaders, round, true, done);
    await assert.rejects(sending, { code: 'CAR640', retryable: true });
    assert.deepEqual([...done.keys()].map(placeOf), ['a/0']);
    // The caller sends again what had no answer, and only that.
    sender.answers = () => true;
    await sendRound(sender, leaders, round, true, done);
    assert.equal(sender.requests.at(-1), 'a/2');
  });

  test('that fails for another reason fails at once', async () => {
    const leaders = new Leaders();
    const broken: BatchSender = { sendBatch: () => Promise.reject(new Error('broken')) };
    await assert.rejects(sendRound(broken, leaders, pieces('a/0'), false), /broken/);
  });
});
