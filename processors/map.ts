import { objectMaker } from '../core/object-maker.ts';
import type { Record } from '../core/record.ts';
import { defineExpand, expressions } from '../core/spec.ts';
import { PASSED } from '../core/verdict.ts';

export const map = defineExpand({
  type: 'map',
  summary: 'Give the record a new value, field by field.',
  description:
    'The new value has exactly the fields that are named. Key, time, id, priority and deadline stay. ' +
    'A record on which an expression fails goes to the dead letters.',
  config: { fields: expressions('The fields of the new value, each an expression.') },
  oneForOne: true,
  example: "- map: { fields: { memberId: 'value.memberId', what: 'value.kind' } }",
  open({ fields }) {
    const make = objectMaker<Record>(
      Object.entries(fields).map(([name, of]) => [name, (record) => of.evaluate(record)]),
    );
    return (record, emit) => {
      const value = make(record);
      emit(record).value = value;
      return PASSED;
    };
  },
});
