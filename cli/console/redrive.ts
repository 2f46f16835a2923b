/**
 * Dead letters that are sent back from the page: first only looked at, then, up to where was
 * looked, sent.
 */
import type { Plan } from '../../compiler/plan.ts';
import type { RedriveAnswer } from '../../console/answers.ts';
import { CarillonError } from '../../core/error.ts';
import type { Log, Producer } from '../../core/log.ts';
import type { RedriveQuestion } from '../../gateway/console.ts';
import type { LogLine } from '../../gateway/problem.ts';
import type { LogReader } from '../log-reader.ts';
import {
  type Letter,
  letterOf,
  redrivable,
  redriveLetters,
  type Sorted,
  sendLetters,
} from '../redrive/redriven.ts';

export interface Redrive {
  readonly reader: LogReader;
  readonly plan: Pick<Plan, 'deadLetters' | 'topics'>;
  /** What is sent goes through it. */
  readonly log: Pick<Log, 'producer' | 'partitionsOf'>;
  readonly say: LogLine;
}

/** Throws CAR730 when there was no time to read all: it is not known then what was sent before. */
export async function redriveFromPage(
  { reader, plan, log, say }: Redrive,
  question: RedriveQuestion,
  signal: AbortSignal,
): Promise<RedriveAnswer> {
  const { upTo: seen, by } = question;
  const isThere = (await reader.partitionsOf(plan.deadLetters)) !== undefined;
  const producer = seen === null || !isThere ? null : await log.producer();
  const told = { sent: 0 };
  const send = async (letters: readonly Letter[], through: Producer) => {
    throwIfLate(signal);
    await sendLetters(log, through, letters);
    told.sent += letters.length;
  };
  try {
    const sorted = await redriveLetters({
      events: redrivable(plan),
      letters: () => (isThere ? lettersOf(reader, plan.deadLetters, question, signal) : none()),
      read: (origin, from) => wholly(reader.read(origin, { from, follow: false, signal }), signal),
      ...(producer === null ? {} : { send: (letters) => send(letters, producer) }),
    });
    return answerOf(sorted, producer === null ? null : told.sent);
  } finally {
    if (told.sent > 0) say('Dead letters were sent back.', { ...facts(question), ...told, by });
    await producer?.close();
  }
}

async function* none(): AsyncGenerator<Letter> {}

async function* lettersOf(
  reader: LogReader,
  topic: string,
  { fromMs, code, origin, upTo }: RedriveQuestion,
  signal: AbortSignal,
): AsyncGenerator<Letter> {
  const batches = reader.read(topic, { from: fromMs, follow: false, signal });
  for await (const records of wholly(batches, signal)) {
    for (const record of records) {
      // Of what came after the look nobody has seen how much it is.
      if (upTo !== null && record.offset >= (upTo.get(record.partition) ?? 0)) continue;
      const letter = letterOf(record);
      if (code !== undefined && letter.code !== code) continue;
      if (origin === undefined || letter.origin === origin) yield letter;
    }
  }
}

/** A reader that is stopped ends as if there were no more. */
async function* wholly<T>(batches: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const batch of batches) {
    throwIfLate(signal);
    yield batch;
  }
  throwIfLate(signal);
}

function throwIfLate(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new CarillonError('CAR730', 'there was no time to read all of them.', {
    where: { at: 'redrive' },
  });
}

function answerOf({ upTo, ...counts }: Sorted, sent: number | null): RedriveAnswer {
  const seen = [...upTo].sort(([a], [b]) => a - b).map(([partition, to]) => `${partition}:${to}`);
  return { ...counts, upTo: seen.join(','), sent };
}

const facts = ({ code, origin }: RedriveQuestion) => ({
  ...(code === undefined ? {} : { code }),
  ...(origin === undefined ? {} : { origin }),
});
