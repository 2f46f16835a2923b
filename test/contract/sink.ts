/**
 * What every sink promises, tried against its fake: one suite, run once per sink. A sink declares
 * what it can come to (`capabilities`); the rows of what it cannot are left out, and said so by a
 * skip.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { CarillonError } from '../../core/error.ts';
import type { Delivery, Outcome } from '../../core/outcome.ts';
import type { Sink } from '../../core/spec.ts';

/** What the service does with the deliveries to one device, until it is arranged anew. */
export type Situation =
  | 'accept'
  /** Answers after 50 ms. */
  | 'slow'
  /** The device is gone for good. */
  | 'dead'
  /** Too busy; asks to be left alone for `OVERLOADED_FOR_MS`. */
  | 'overloaded'
  /** Takes the delivery and never answers. */
  | 'silent'
  /** Takes the delivery and breaks the connection. */
  | 'cut';

export const OVERLOADED_FOR_MS = 7_000;

export type Capability =
  /** `startRefused` gives a sink that the service turns away. */
  | 'probe_refused'
  /** `dead` ends in a `deadToken`. */
  | 'dead_token'
  | 'overloaded'
  | 'timeout'
  | 'cut'
  /** The service can go away and come back. */
  | 'away'
  /** The most deliveries under way at the service can be seen. */
  | 'bounded';

/** One open sink and the fake behind it. */
export interface SinkUnderTest {
  readonly sink: Sink;
  /** A first attempt to tell device `n` something; a new notification, with a new id, per call. */
  delivery(n: number): Delivery;
  arrange(n: number, situation: Situation): void;
  /**
   * Ids of all deliveries that reached the service in good form, repeats included, oldest first.
   */
  attempts(): readonly string[];
  away(): Promise<void>;
  back(): Promise<void>;
  /** The most deliveries that were under way at the service at one time. */
  openMost(): number;
  /** Texts that no error and no outcome may hold: tokens, keys. */
  readonly secrets: readonly string[];
  /** Closes the sink, then the fake. */
  close(): Promise<void>;
}

export interface SinkContract {
  readonly name: string;
  readonly batchMax: number;
  readonly capabilities: readonly Capability[];
  /** `concurrency`: set the sink to this many at a time. Time-outs below a second. */
  start(options: { concurrency: number }): Promise<SinkUnderTest>;
  startRefused?(): Promise<SinkUnderTest>;
}

const WAIT_MS = 10_000;
const HANDLES = new Set(['TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'PipeWrap', 'Timeout']);

export function sinkContract(contract: SinkContract): void {
  const can = (capability: Capability) =>
    contract.capabilities.includes(capability) ? {} : { skip: `not ${capability}` };
  const title = (what: string) => `sink ${contract.name}: ${what}`;

  /** Runs with an open sink, closes it in any case. */
  const withSink =
    (run: (under: SinkUnderTest) => Promise<void>, concurrency = 64) =>
    async () => {
      const under = await contract.start({ concurrency });
      try {
        await run(under);
      } finally {
        await under.close();
      }
    };
  const deliver = (under: SinkUnderTest, deliveries: readonly Delivery[]) =>
    deliverAll(under.sink, contract.batchMax, deliveries);

  test(
    title('probe passes when the service welcomes us'),
    withSink(({ sink }) => sink.probe()),
  );

  test(title('probe says when the service refuses us'), can('probe_refused'), async () => {
    const under = await contract.startRefused!();
    try {
      const error = await failure(under.sink.probe());
      assert.ok(error instanceof CarillonError);
      assert.equal(error.retryable, false);
      assertNoSecrets(under, error);
    } finally {
      await under.close();
    }
  });

  test(
    title('one outcome per delivery, in order'),
    withSink(async (under) => {
      const kinds = contract.capabilities.includes('dead_token') ? ['accept', 'dead'] : ['accept'];
      const deliveries: Delivery[] = [];
      for (let n = 0; n < 40; n++) {
        under.arrange(n, kinds[n % kinds.length] as Situation);
        deliveries.push(under.delivery(n));
      }
      const outcomes = await deliver(under, deliveries);
      const expected = deliveries.map((_, n) =>
        kinds[n % kinds.length] === 'accept' ? 'delivered' : 'rejected',
      );
      assert.deepEqual(
        outcomes.map((outcome) => outcome.kind),
        expected,
      );
      const sent = deliveries.map((delivery) => delivery.notification.id);
      assert.deepEqual([...under.attempts()].sort(), sent.sort());
    }),
  );

  test(
    title('a repeat carries the same id'),
    withSink(async (under) => {
      const delivery = under.delivery(1);
      await deliver(under, [delivery]);
      await deliver(under, [{ ...delivery, attempt: 2 }]);
      const { id } = delivery.notification;
      assert.deepEqual(under.attempts(), [id, id]);
    }),
  );

  test(
    title('a dead device is final and names its token'),
    can('dead_token'),
    withSink(async (under) => {
      under.arrange(1, 'dead');
      const delivery = under.delivery(1);
      const [outcome] = await deliver(under, [delivery]);
      assert.ok(outcome?.kind === 'rejected');
      const tokens = delivery.device?.transports.map((transport) => transport.token);
      assert.ok(tokens?.includes(outcome.deadToken?.token ?? null));
      assert.equal(outcome.deadLetter ?? false, false);
    }),
  );

  test(
    title('an overloaded service is left alone for as long as it asks'),
    can('overloaded'),
    withSink(async (under) => {
      under.arrange(1, 'overloaded');
      const [outcome] = await deliver(under, [under.delivery(1)]);
      assert.ok(outcome?.kind === 'retry');
      assert.equal(outcome.afterMs, OVERLOADED_FOR_MS);
      assert.equal(outcome.scope, 'lane');
      assert.equal(outcome.ambiguous ?? false, false);
    }),
  );

  for (const [capability, situation] of [
    ['timeout', 'silent'],
    ['cut', 'cut'],
  ] as const) {
    test(
      title(`${situation}: ambiguous, tried again with the same id, and others go on`),
      can(capability),
      withSink(async (under) => {
        under.arrange(1, situation);
        const delivery = under.delivery(1);
        const [outcome] = await deliver(under, [delivery]);
        assert.ok(outcome?.kind === 'retry', inspect(outcome));
        assert.equal(outcome.ambiguous, true);
        assertNoSecrets(under, outcome);
        under.arrange(1, 'accept');
        const again = await deliver(under, [{ ...delivery, attempt: 2 }, under.delivery(2)]);
        assert.deepEqual(
          again.map((one) => one.kind),
          ['delivered', 'delivered'],
        );
        const { id } = delivery.notification;
        assert.equal(under.attempts().filter((one) => one === id).length, 2);
      }),
    );
  }

  test(
    title('the service goes away and comes back: retries, then delivers, by itself'),
    can('away'),
    withSink(async (under) => {
      assert.equal((await deliver(under, [under.delivery(1)]))[0]?.kind, 'delivered');
      await under.away();
      const [outcome] = await deliver(under, [under.delivery(1)]);
      assert.ok(outcome?.kind === 'retry', inspect(outcome));
      assert.equal(outcome.scope, 'lane');
      const error = await failure(under.sink.probe());
      assert.ok(error instanceof CarillonError && error.retryable, inspect(error));
      assertNoSecrets(under, error, outcome);
      await under.back();
      await eventually(async () => {
        const [again] = await deliver(under, [under.delivery(1)]);
        return again?.kind === 'delivered';
      });
      await under.sink.probe();
    }),
  );

  test(
    title('no more at a time than it is set to'),
    can('bounded'),
    withSink(async (under) => {
      const deliveries: Delivery[] = [];
      for (let n = 0; n < 12; n++) {
        under.arrange(n, 'slow');
        deliveries.push(under.delivery(n));
      }
      const outcomes = await deliver(under, deliveries);
      assert.ok(outcomes.every((outcome) => outcome.kind === 'delivered'));
      assert.equal(under.openMost(), 3);
    }, 3),
  );

  test(
    title('close leaves no handles, and the service sees us go; a second close does no harm'),
    withSink(async (under) => {
      const before = handles();
      await under.sink.probe();
      await deliver(under, [under.delivery(1), under.delivery(2)]);
      await under.sink.close();
      // The service stays open, so a connection that the sink left would still be here.
      await eventually(async () => handles().length <= before.length);
    }),
  );
}

/** As the runner does it: calls of at most `batchMax`, side by side. */
async function deliverAll(
  sink: Sink,
  batchMax: number,
  deliveries: readonly Delivery[],
): Promise<readonly Outcome[]> {
  const calls: Promise<readonly Outcome[]>[] = [];
  for (let at = 0; at < deliveries.length; at += batchMax) {
    calls.push(sink.deliver(deliveries.slice(at, at + batchMax)));
  }
  return (await Promise.all(calls)).flat();
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  assert.fail('it did not fail');
}

function assertNoSecrets(under: SinkUnderTest, ...told: readonly unknown[]): void {
  const text = inspect(told, { depth: 10, showHidden: true, maxStringLength: null });
  for (const secret of under.secrets) assert.ok(!text.includes(secret), 'a secret is told');
}

/** Waits for a condition on real sockets, bounded. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + WAIT_MS;
  while (!(await holds())) {
    assert.ok(performance.now() < until, `not within ${WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function handles(): readonly string[] {
  return process.getActiveResourcesInfo().filter((name) => HANDLES.has(name));
}
