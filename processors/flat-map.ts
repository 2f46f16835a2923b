import { optionalExpressions, optionalText } from '../core/more-options.ts';
import { LIST, path } from '../core/path-options.ts';
import type { Record } from '../core/record.ts';
import { count, defineExpand, type Expression, oneOf } from '../core/spec.ts';
import { deadLettered, dropped, PASSED } from '../core/verdict.ts';

const NO_ELEMENTS = dropped('no_elements');
const TOO_MANY = deadLettered('CAR281');

/** Between an event's id and the number of its element. */
const ELEMENT = '#';

type Value = { readonly [field: string]: unknown };

function evaluated(
  fields: readonly (readonly [string, Expression<unknown>])[],
  record: Record,
): Value {
  return Object.fromEntries(fields.map(([name, of]) => [name, of.evaluate(record)]));
}

/** One event becomes one record for each element of a list of its: a flight, its passengers. */
export const flatMap = defineExpand({
  type: 'flat_map',
  summary: 'Make one record of each element of a list.',
  description: [
    'The value of each is the element: its own fields, or, with `as`, one field that holds it; `with`',
    'adds fields of the event. What follows is checked against the element as the schema has it.',
    'Key, time, priority, deadline and headers stay those of the event. The records go out in the',
    'order of the list, before anything of the next event. The id of each is `<id of the event>#<n>`,',
    'where n is its place in the list from 0 on: two elements never share an id, and a repeat of the',
    'event gives the same ones (rule D1). All elements share the origin of their event, so `dedup`,',
    'which takes a record of the same origin for a repeat after a crash, belongs before this step.',
    'An element that is null is left out, and counted; the others keep their places.',
  ].join(' '),
  config: {
    of: path('Where the list is.', LIST),
    as: optionalText('The field that holds the element; without it the element is the value.'),
    with: optionalExpressions('Fields that are added, each an expression over the event.'),
    elements_max: count('Elements of one event.', 1_000, { max: 100_000 }),
    on_excess: oneOf(
      'What to do with an event whose list is longer than `elements_max`.',
      {
        dead_letter: 'Send it to the dead letters (CAR281), and nothing on.',
        keep_first: 'Send on the first `elements_max`; the others are counted.',
      },
      'dead_letter',
    ),
  },
  drops: { no_elements: 'The list is null, absent or empty, or all of its elements are null.' },
  deadLetters: {
    CAR281: 'A longer list than `elements_max`, and the policy is `on_excess: dead_letter`.',
  },
  counts: {
    null_elements: 'Elements left out because they are null.',
    over_limit: 'Elements left out because of `elements_max`.',
  },
  gives: { kind: 'elements', of: 'of', as: 'as', with: 'with' },
  example: "- flat_map: { of: value.transports, with: { deviceId: 'value.deviceId' } }",
  open({ of, as, with: more, elements_max, on_excess }, context) {
    const added = Object.entries(more ?? {});
    return (record, emit) => {
      const found = of.read(record);
      if (found !== null && found !== undefined && !Array.isArray(found)) {
        throw new TypeError(`${of.path} is not a list`);
      }
      const elements: readonly unknown[] = found ?? [];
      if (elements.length > elements_max && on_excess === 'dead_letter') return TOO_MANY;
      const rest = evaluated(added, record);
      const { eventId } = record;
      const end = Math.min(elements.length, elements_max);
      let sent = 0;
      for (let n = 0; n < end; n++) {
        const element = elements[n];
        if (element === null || element === undefined) continue;
        const own = as === null ? (element as Value) : { [as]: element };
        const copy = emit(record);
        copy.value = { ...own, ...rest };
        copy.eventId = `${eventId}${ELEMENT}${n}`;
        sent++;
      }
      if (sent < end) context.count('null_elements', end - sent);
      if (end < elements.length) context.count('over_limit', elements.length - end);
      return sent === 0 ? NO_ELEMENTS : PASSED;
    };
  },
});
