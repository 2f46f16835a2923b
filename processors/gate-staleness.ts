import { optionalDuration } from '../core/more-options.ts';
import { defineEach, duration } from '../core/spec.ts';
import { dropped, PASSED } from '../core/verdict.ts';

const STALE = dropped('stale');

/** RENO's event age filter, and the place where a deadline is born (rule D9). */
export const gateStaleness = defineEach({
  type: 'gate_staleness',
  summary: 'Drop events that are older than a threshold, and stamp the deadline of the others.',
  description:
    "Age is the task's clock less the event's time; a record exactly `max_age` old passes. The " +
    "deadline is the event's time plus `ttl` (`max_age` where it is not given); the last hop reads " +
    'it again: FCM ttl, apns-expiration, or a drop (rule D9). Results of `aggregate` with `emit: final` ' +
    'have none but of a gate behind it. An event from the future is young. ' +
    'Put it first: what is too old then costs no state. Source: RENO, event age thresholds per ' +
    'use case.',
  config: {
    max_age: duration('The greatest age at which an event is still worth telling.'),
    ttl: optionalDuration(
      'How long after its event a notification is worth delivering; max_age if it is left out.',
    ),
  },
  drops: { stale: 'The event was older than `max_age` when its task came to it.' },
  times: ({ max_age, ttl }) => ({ ageMsMax: max_age, lifeMs: ttl ?? max_age }),
  isWeaker: (options, than) => {
    // One that says a ttl of its own is there for the deadline.
    return options.ttl === null && (options.max_age as number) >= (than.max_age as number);
  },
  warns({ max_age, ttl }) {
    if (max_age === 0) {
      const why = 'is no time at all: an event that took any time to come is dropped';
      return [{ option: 'max_age', kind: 'always_lost', why }];
    }
    if (ttl === null || ttl >= max_age) return [];
    const why = 'is shorter than max_age: what is older than it passes, and has expired already';
    return [{ option: 'ttl', kind: 'always_lost', why }];
  },
  example: '- gate_staleness: { max_age: 2m }',
  open({ max_age, ttl }, { clock }) {
    const lifeMs = ttl ?? max_age;
    return (record) => {
      if (clock.now() - record.timestamp > max_age) return STALE;
      record.deadlineMs = record.timestamp + lifeMs;
      return PASSED;
    };
  },
});
