/**
 * The rows of a provider's table against its stand-in, on a clock moved by hand: what the sink
 * makes of each answer on the first and a later try, and what the lane makes of it, to the last.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProviderReply, ProviderRule } from '../../connectors/provider-rules.ts';
import { ruleOf } from '../../connectors/provider-rules.ts';
import type { Act, Answer } from '../../connectors/stand-in.ts';
import type { WireAnswer } from '../../connectors/wire-answer.ts';
import type { HandClock } from '../../core/clock.ts';
import type { DeviceTransport } from '../../core/device.ts';
import type { Delivery, Outcome } from '../../core/outcome.ts';
import type { Sink } from '../../core/spec.ts';
import { SinkWorld } from './sink-world.ts';

/**
 * What was tried, what the provider answers, what comes of it, and the pause before the next try in
 * seconds: one number as the provider said it, `[n]` for our own, which doubles, with its jitter.
 */
export type ProviderRow = readonly [string, Act, string, (number | readonly [number])?];

export interface ProviderBench {
  readonly rules: readonly ProviderRule[];
  readonly rows: readonly ProviderRow[];
  /** Reasons whose rows cost more than one request, and have tests of their own. */
  readonly elsewhere?: readonly string[];
  readonly clock: HandClock;
  readonly transport: Pick<DeviceTransport, 'kind' | 'token'> & Partial<DeviceTransport>;
  reply(answer: Extract<WireAnswer, { kind: 'answer' }>, nowMs: number): ProviderReply;
  sink(): Sink;
  /** Scripts what this device's token gets, and counts the requests for it. */
  script(acts: readonly Act[]): void;
  requests(): number;
  delivery(attempt: number): Delivery;
}

const CAP_S = 600;

/** An outcome in words, without its pause. */
export function told(outcome: Outcome): string {
  if (outcome.kind === 'delivered') return 'delivered';
  if (outcome.kind === 'rejected') {
    const { reason, deadLetter, deadToken } = outcome;
    const words = ['rejected', reason];
    if (deadLetter === true) words.push('dead-letter');
    if (deadToken !== undefined) words.push('token-dies');
    if (deadToken?.beforeMs !== undefined) words.push(`before ${deadToken.beforeMs}`);
    return words.join(' ');
  }
  const { why, scope, opens, ambiguous } = outcome;
  const words = ['retry', why, scope];
  if (opens === true) words.push('opens');
  if (ambiguous === true) words.push('ambiguous');
  return words.join(' ');
}

export function testProviderRows(bench: ProviderBench): void {
  for (const row of bench.rows) {
    test(`${row[0]}: ${row[2]}`, () => firstAndLater(bench, row));
    test(`${row[0]}: first and last try on a lane`, () => onLane(bench, row));
  }
  test('each row of the table is told by a test', () => {
    const told = new Set<ProviderRule>();
    for (const [, act] of bench.rows) if (act.act === 'answer') told.add(ruleFor(bench, act));
    assert.deepEqual(
      bench.rules
        .filter((rule) => !told.has(rule) && !bench.elsewhere?.includes(rule.reason ?? ''))
        .map(({ doc }) => doc),
      [],
    );
  });
}

function ruleFor({ rules, reply, clock }: ProviderBench, { status, headers, body }: Answer) {
  const text = body === undefined ? '' : JSON.stringify(body);
  const answer = { kind: 'answer', status, headers: { ...headers }, body: text } as const;
  return ruleOf(rules, reply(answer, clock.now()));
}

async function firstAndLater(bench: ProviderBench, [, act, expected, pause]: ProviderRow) {
  for (const attempt of [1, 3]) {
    bench.script([act]);
    const outcome = (await bench.sink().deliver([bench.delivery(attempt)]))[0]!;
    assert.equal(told(outcome), expected);
    if (outcome.kind !== 'retry') continue;
    const afterMs = outcome.afterMs ?? 0;
    if (typeof pause !== 'object') assert.equal(afterMs, (pause ?? 0) * 1_000);
    else {
      const fromMs = Math.min(CAP_S, pause[0] * 2 ** (attempt - 1)) * 1_000;
      assert.ok(afterMs >= fromMs && afterMs <= fromMs * 1.25, `${afterMs} on try ${attempt}`);
    }
  }
}

async function onLane(bench: ProviderBench, [, act, expected]: ProviderRow): Promise<void> {
  bench.script([act]);
  const first = (await bench.sink().deliver([bench.delivery(1)]))[0]!;
  const w = await SinkWorld.open({
    sink: bench.sink(),
    clock: bench.clock,
    retries: true,
    attempts: 2,
    timeoutMs: 20_000,
  });
  const { notification, device } = bench.delivery(1);
  await w.own(notification.deviceId, notification.epoch, 'ACTIVE', device!.transports);
  bench.script([act, act]);
  const before = bench.requests();
  await w.send(notification);
  await w.settle();
  assert.equal(bench.requests(), before + 1);
  if (first.kind === 'retry') {
    // Others get through meanwhile, so that the next try counts.
    await w.own('other', 1, 'ACTIVE', [{ ...device!.transports[0]!, token: 'f'.repeat(64) }]);
    await w.send({
      ...notification,
      id: notification.id.replace('0001', '0002'),
      deviceId: 'other',
    });
    const waitMs = first.afterMs ?? 0;
    for (let ms = 0; ms < waitMs - 1; ms += 10_000) {
      await w.settle(Math.min(10_000, waitMs - 1 - ms));
    }
    if (waitMs > 0) assert.equal(bench.requests(), before + 1, 'the pause is kept');
    await w.settle(waitMs > 0 ? 1 : 5_000);
    assert.equal(bench.requests(), before + 2);
  }
  bench.script([]);
  const ends = (await w.outcomes()).filter((one) => !/^other|postponed/.test(one));
  const dead = /token-dies/.test(expected) ? 1 : 0;
  const letters =
    first.kind === 'retry' ? ['CAR668'] : /dead-letter/.test(expected) ? ['CAR510'] : [];
  const last =
    first.kind === 'retry' ? `abandoned ${first.why}` : `rejected ${expected.split(' ')[1]}`;
  assert.equal(ends.at(-1), `${notification.deviceId} ${last}`);
  assert.equal(ends.length, first.kind === 'retry' ? 2 : 1);
  assert.deepEqual(await w.deadLetters(), letters);
  assert.equal((await w.registrations()).length, dead);
  assert.equal(await w.lag(), 0);
}
