/**
 * Tokens of somebody's own form: a module is asked who has one (`core/authenticate.ts`). Whatever
 * it does, the answer is an identity, "not mine", or a problem with a code; what it says of a fault
 * is for the log, never for who asked.
 */
import type { Authenticated } from '../core/authenticate.ts';
import { EVENTS_MAX, type Identity, scopesIn } from './identity.ts';
import { HttpProblem, type LogLine } from './problem.ts';

/** Asks the module. What it throws is a fault of the module's. */
export type AskModule = (token: string) => Promise<unknown>;

const SUBJECT_CHARS_MAX = 128;
const FIELDS: readonly (keyof Authenticated)[] = [
  'subject',
  'scope',
  'member',
  'events',
  'issuedAt',
  'expiresAt',
];

export class OwnAuth {
  readonly #ask: AskModule;
  readonly #say: LogLine;

  constructor(ask: AskModule, say: LogLine) {
    this.#ask = ask;
    this.#say = say;
  }

  /** Undefined: the module does not know it. Throws CAR702, CAR703, CAR773. */
  async identify(token: string, nowMs: number): Promise<Identity | undefined> {
    let answer: unknown;
    try {
      answer = await this.#ask(token);
    } catch (error) {
      throw this.#failed('auth.module does not answer.', { error });
    }
    if (answer === undefined || answer === null) return undefined;
    if (answer === false) throw new HttpProblem('CAR702', 'the token is refused.');
    const wrong = wrongOf(answer);
    if (wrong !== undefined)
      throw this.#failed('auth.module gives what is no identity.', { wrong });
    return identityOf(answer as Authenticated, nowMs);
  }

  #failed(sentence: string, facts: { readonly [fact: string]: unknown }): HttpProblem {
    this.#say(sentence, facts, 'error');
    return new HttpProblem('CAR773', 'who has the token cannot be found out now.');
  }
}

function identityOf(answer: Authenticated, nowMs: number): Identity {
  const { subject, scope = 'device', member, events, issuedAt = 0, expiresAt } = answer;
  if (expiresAt <= nowMs) throw new HttpProblem('CAR703', 'the token has expired.');
  const scopes = scopesIn(scope);
  return { subject, scopes, member, events, issuedAt, expiresAt };
}

/** Which field is not what it must be; never what stands in it. */
function wrongOf(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || Array.isArray(answer)) return 'it is no object';
  const given = answer as { readonly [field in keyof Authenticated]?: unknown };
  const unknown = Object.keys(given).find((name) => !(FIELDS as readonly string[]).includes(name));
  if (unknown !== undefined) return `"${unknown.slice(0, 40)}" is none of ${FIELDS.join(', ')}`;
  const { subject, scope, member, events, issuedAt, expiresAt } = given;
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  if (!isText(subject) || (subject as string).length > SUBJECT_CHARS_MAX) {
    return `"subject" is no text of 1 to ${SUBJECT_CHARS_MAX} characters`;
  }
  if (!Number.isFinite(expiresAt)) return '"expiresAt" is no epoch milliseconds';
  if (issuedAt !== undefined && !Number.isFinite(issuedAt)) {
    return '"issuedAt" is no epoch milliseconds';
  }
  if (member !== undefined && !isText(member)) return '"member" is no text';
  if (scope !== undefined && scopesIn(scope).length === 0) return '"scope" has none of our words';
  if (events === undefined) return undefined;
  const isList = Array.isArray(events) && events.length <= EVENTS_MAX && events.every(isText);
  return isList ? undefined : `"events" is no list of ${EVENTS_MAX} event types at most`;
}
