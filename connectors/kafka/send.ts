/** Sends pieces in rounds: at most one piece of a partition in a round, one leader in a request. */
import type { RecordMetadata, TopicMessages } from 'kafkajs';
import { CarillonError } from '../../core/error.ts';
import { LeaderMoved, type Leaders } from './leaders.ts';
import type { Piece } from './messages.ts';

/** A kafkajs producer or transaction. */
export interface BatchSender {
  sendBatch(batch: { acks?: number; topicMessages?: TopicMessages[] }): Promise<RecordMetadata[]>;
}

/** Requests of one round that were regrouped because the leaders were new to us or have moved. */
const REGROUPS_MAX = 8;

/**
 * Pieces in order; of each partition one a round, so that a retry repeats the same sequence
 * numbers.
 */
export function roundsOf(pieces: readonly Piece[]): Piece[][] {
  const rounds: Piece[][] = [];
  const depth = new Map<string, number>();
  for (const piece of pieces) {
    const key = `${piece.topic}/${piece.partition}`;
    const at = depth.get(key) ?? 0;
    depth.set(key, at + 1);
    if (rounds.length <= at) rounds.push([]);
    rounds[at]!.push(piece);
  }
  return rounds;
}

/**
 * Sends one round; gives the base offset of each piece, in order. Rejects with kafkajs' error when
 * a request fails in the end. `done` keeps what was answered, so that a caller's retry sends only
 * the rest.
 */
export async function sendRound(
  sender: BatchSender,
  leaders: Leaders,
  round: readonly Piece[],
  parallel: boolean,
  done: Map<Piece, number> = new Map(),
): Promise<number[]> {
  for (let regroups = 0; ; regroups++) {
    const groups = leaders.groups(round.filter((piece) => !done.has(piece)));
    if (groups.length === 0) break;
    const send = (group: Piece[]) => sendGroup(sender, group, done);
    const failures = parallel ? await allOf(groups, send) : await eachOf(groups, send);
    const hard = failures.find((failure) => !(failure instanceof LeaderMoved));
    if (hard !== undefined) throw hard;
    if (failures.length > 0 && regroups >= REGROUPS_MAX) throw failures[0];
  }
  return round.map((piece) => done.get(piece)!);
}

async function allOf(
  groups: readonly Piece[][],
  send: (group: Piece[]) => Promise<void>,
): Promise<unknown[]> {
  const settled = await Promise.allSettled(groups.map(send));
  return settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
}

async function eachOf(
  groups: readonly Piece[][],
  send: (group: Piece[]) => Promise<void>,
): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const group of groups) {
    try {
      await send(group);
    } catch (error) {
      failures.push(error);
      if (!(error instanceof LeaderMoved)) break;
    }
  }
  return failures;
}

async function sendGroup(
  sender: BatchSender,
  group: readonly Piece[],
  done: Map<Piece, number>,
): Promise<void> {
  const byTopic = new Map<string, TopicMessages>();
  for (const piece of group) {
    const messages = [...piece.messages];
    const topic = byTopic.get(piece.topic);
    if (topic === undefined) byTopic.set(piece.topic, { topic: piece.topic, messages });
    else topic.messages = topic.messages.concat(messages);
  }
  const answers = await sender.sendBatch({ acks: -1, topicMessages: [...byTopic.values()] });
  for (const piece of group) {
    const answer = answers.find(
      (one) => one.topicName === piece.topic && one.partition === piece.partition,
    );
    if (answer?.baseOffset === undefined) {
      // kafkajs says that it has sent, but this partition's broker has said nothing: not sent.
      throw new CarillonError('CAR640', `No answer for ${piece.topic}/${piece.partition}.`, {
        where: { at: `${piece.topic}/${piece.partition}` },
        retryable: true,
      });
    }
    done.set(piece, Number(answer.baseOffset));
  }
}
