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
    const entries = Object.entries(fields);
    return (record, emit) => {
      const value: { [field: string]: unknown } = {};
      for (const [name, of] of entries) value[name] = of.evaluate(record);
      emit(record).value = value;
      return PASSED;
    };
  },
});
