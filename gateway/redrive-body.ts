/** The body of a request to send dead letters back. */
import type { FieldProblem } from '../schemas/json-events.ts';
import { objectOf, textOf } from './body-fields.ts';
import type { RedriveQuestion } from './console.ts';
import { HttpProblem } from './problem.ts';

const CODE_CHARS_MAX = 64;
/** Kafka's bound for the name of a topic. */
const TOPIC_CHARS_MAX = 249;
const FIELDS = ['from', 'code', 'origin', 'upTo'];
const UP_TO = /^(?:\d{1,9}:\d{1,15}(?:,\d{1,9}:\d{1,15})*)?$/;

/** Throws CAR710. */
export function readRedrive(body: unknown, by: string): RedriveQuestion {
  const problems: FieldProblem[] = [];
  const { from, code, origin, upTo } = objectOf(body, '', FIELDS, problems);
  if (typeof from !== 'number' || !Number.isSafeInteger(from) || from < 0) {
    problems.push({ path: '/from', what: 'expected a time as epoch milliseconds' });
  }
  const text = (value: unknown, path: string, charsMax: number) =>
    value === undefined ? undefined : textOf(value, path, charsMax, true, problems);
  const question = {
    code: text(code, '/code', CODE_CHARS_MAX),
    origin: text(origin, '/origin', TOPIC_CHARS_MAX),
  };
  if (upTo !== undefined && (typeof upTo !== 'string' || !UP_TO.test(upTo))) {
    problems.push({ path: '/upTo', what: 'expected what the look before has answered' });
  }
  if (problems.length > 0) {
    throw new HttpProblem('CAR710', 'the body is not what is taken here.', { problems });
  }
  return { ...question, fromMs: from as number, upTo: readUpTo(upTo as string | undefined), by };
}

function readUpTo(text: string | undefined): Map<number, number> | null {
  if (text === undefined) return null;
  const pairs = text.split(',').filter((pair) => pair !== '');
  return new Map(pairs.map((pair) => pair.split(':').map(Number) as [number, number]));
}
