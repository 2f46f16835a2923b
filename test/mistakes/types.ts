/** Fields of other types than an expression or an option can use, and of several types at once. */
import { BASE, edited, type Row } from './base.ts';

const READINGS = `  readings:
    id: re
    priority: { as: normal }
    from: { topic: events.readings, schema: Reading, time: value.takenAt, id: value.eventId }
    steps:
      - filter: { where: 'value.level > 1' }
      - use: tell
    to: { lane: notifications, transports: [websocket, inbox] }
`;
const WITH = BASE.replace('sinks:\n', `${READINGS}sinks:\n`);
const filter = (what: string, where: string, ...told: readonly string[]) =>
  [what, "'value.level > 1'", `'${where}'`, ...told] as const;

const BRANCHES: readonly Row[] = edited(
  [
    filter('a text or a number above 3', 'value.amount > 3', 'CAR318'),
    filter('one that is added to', 'value.amount + 1 == 2', 'CAR318'),
    filter('one that is a function', 'value.amount.startsWith("a")', 'CAR318'),
    filter('one that is measured', 'size(value.amount) > 1', 'CAR318'),
    filter('null, a text or a number', 'value.limit > 2.5', 'CAR318'),
    filter('null excluded, and not the text', 'value.limit != null && value.limit > 2.5', 'CAR318'),
    filter('a branch that is not asked for', 'value.count["int"] > 3', 'CAR316'),
    filter(
      'not null, and of any branch',
      'value.count != null && value.count["int"] > 3',
      'CAR318',
    ),
    filter('an element that may be null', 'value.steps.exists(step, step > 3)', 'CAR316'),
    filter(
      'the check is for another type',
      'type(value.amount) == string && value.amount > 3',
      'CAR318',
    ),
    filter('the type is asked for', 'type(value.amount) == int && value.amount > 3'),
    filter('the other type passes', 'type(value.amount) == string || value.amount > 3'),
    filter(
      'each type has its own',
      'type(value.amount) == int ? value.amount > 3 : value.amount.size() > 1',
    ),
    filter('equal to one of them', 'value.amount == 3 || value.amount == "3"'),
    filter('one of several', 'value.amount in [3, 4]'),
    filter('both are made text', 'string(value.amount) == "3"'),
    filter(
      'the branch is asked for',
      '"int" in value.count && value.count != null && value.count["int"] > 3',
    ),
    filter('null is left out of a list', 'value.steps.exists(step, step != null && step > 3)'),
  ],
  WITH,
);

export const TYPES: readonly Row[] = [...BRANCHES];
