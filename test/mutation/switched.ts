/**
 * The text of a file with many faults in it, all switched off: `a < b` becomes
 * `(fault(7) ? (a <= b) : (a < b))`. So a process loads the tests once and shows them one fault
 * after the other, and it is known of each single test which faults it meets.
 */
import type { Mutant, Whole } from './mutants.ts';

/** Answers whether a fault is on; where nothing is set up, as in a worker, all are off. */
export const FAULT = 'mutationFault';

interface Place extends Whole {
  readonly faults: { readonly id: number; readonly mutant: Mutant }[];
  readonly inner: Place[];
}

/** `faults` are all of this file; their numbers are what the switch is asked for. */
export function switched(
  text: string,
  faults: readonly { readonly id: number; readonly mutant: Mutant }[],
): string {
  return within(text, 0, text.length, nested(faults));
}

function nested(faults: Parameters<typeof switched>[1]): Place[] {
  const byPlace = new Map<string, Place>();
  for (const fault of faults) {
    const { start, end, form } = fault.mutant.whole;
    const name = `${start} ${end} ${form}`;
    const place = byPlace.get(name) ?? { ...fault.mutant.whole, faults: [], inner: [] };
    place.faults.push(fault);
    byPlace.set(name, place);
  }
  // The outer one comes before what is in it.
  const places = [...byPlace.values()].sort((a, b) => a.start - b.start || b.end - a.end);
  const roots: Place[] = [];
  const open: Place[] = [];
  for (const place of places) {
    while (open.length > 0 && open.at(-1)!.end <= place.start) open.pop();
    (open.at(-1)?.inner ?? roots).push(place);
    open.push(place);
  }
  return roots;
}

/** What stands at [start, end), with the switches of the places in it. */
function within(text: string, start: number, end: number, places: readonly Place[]): string {
  let written = '';
  let at = start;
  for (const place of places) {
    written += text.slice(at, place.start) + both(text, place);
    at = place.end;
  }
  return written + text.slice(at, end);
}

function both(text: string, { start, end, form, faults, inner }: Place): string {
  const asIs = within(text, start, end, inner);
  const options = faults.map(({ id, mutant }) => {
    const to = text.slice(start, mutant.start) + mutant.to + text.slice(mutant.end, end);
    return { isOn: `globalThis.${FAULT}?.(${id})`, to };
  });
  if (form === 'statement') {
    const rows = options.map(({ isOn, to }) => `if (${isOn}) { ${to} } else `);
    return `{ ${rows.join('')}{ ${asIs} } }`;
  }
  const value = `(${options.map(({ isOn, to }) => `${isOn} ? (${to}) : `).join('')}(${asIs}))`;
  return form === 'name' ? `[${value}]` : value;
}
