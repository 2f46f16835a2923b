/** The results as a table for people, and as figures (bench/figure.ts). */
import type { Figure } from '../figure.ts';
import type { Result } from './arena.ts';
import { rateOf } from './measure.ts';
import type { Options } from './options.ts';

const CPU_AIM = 1 / 3;
const RATE_AIM = 150_000;
const BESIDE = 'a Kafka Streams application, same work and outputs';

interface PerEvent {
  readonly eventsPerSecond: number;
  readonly appMicros: number;
  readonly brokerMicros: number;
}

function perEvent({ cost }: Result, { events }: Options): PerEvent {
  return {
    eventsPerSecond: Math.round(rateOf(events, cost)),
    appMicros: (cost.appCpu / events) * 1e6,
    brokerMicros: (cost.brokerCpu / events) * 1e6,
  };
}

/** What was run, in a word or two: part of the figures' names. */
export function variantOf({ guarantee, withoutCoalesce }: Options): string {
  return `${guarantee.replaceAll('_', '-')}${withoutCoalesce ? '/without-coalesce' : ''}`;
}

export function figuresOf(ours: Result, peer: Result, options: Options): Figure[] {
  const [a, b] = [perEvent(ours, options), perEvent(peer, options)];
  const name = `engine-peer/${variantOf(options)}`;
  const sumOf = ({ appMicros, brokerMicros }: PerEvent) =>
    Number((appMicros + brokerMicros).toFixed(2));
  const more = {
    options,
    ours: { ...a, ...ours.cost, megabytes: ours.peakMegabytes, told: ours.told.length },
    peer: { ...b, ...peer.cost, megabytes: peer.peakMegabytes, told: peer.told.length },
  };
  return [
    {
      bench: `${name}/cpu`,
      value: sumOf(a),
      unit: 'CPU-µs/event, application and broker',
      floor: sumOf(b),
      beside: BESIDE,
      aim: 'a third of Kafka Streams',
      met: sumOf(a) <= sumOf(b) * CPU_AIM,
      more,
    },
    {
      bench: `${name}/rate`,
      value: a.eventsPerSecond,
      unit: 'events/s',
      floor: b.eventsPerSecond,
      beside: BESIDE,
      aim: `${RATE_AIM} events/s`,
      met: a.eventsPerSecond >= RATE_AIM,
    },
  ];
}

export function tableOf(results: readonly Result[], options: Options): string {
  const head = ['', 'events/s', 'CPU-µs/event', 'broker', 'both', 's', 's to last', 'idle', 'MB'];
  const rows = results.map((result) => {
    const { eventsPerSecond, appMicros, brokerMicros } = perEvent(result, options);
    const { seconds, outSeconds, appIdle } = result.cost;
    return [
      result.name,
      String(eventsPerSecond),
      ...[appMicros, brokerMicros, appMicros + brokerMicros].map((micros) => micros.toFixed(1)),
      ...[seconds, outSeconds].map((one) => one.toFixed(1)),
      `${(appIdle * 100).toFixed(1)} %`,
      String(result.peakMegabytes),
    ];
  });
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) =>
      row
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
        .join('  '),
    )
    .join('\n');
}
