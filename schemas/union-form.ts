/**
 * How values of unions look, everywhere the same: in memory, and in JSON in and out. Plain, unless
 * two branches look alike in JSON: then as an object of the branch's name, as Avro's own JSON is.
 */
import { setOwn } from '../core/own-field.ts';
import { type AvroType, branchName, shortName, type UnionType } from './avro-type.ts';

export function inBranch(union: UnionType, branch: AvroType, value: unknown): unknown {
  if (value === null && branch.kind === 'null') return null;
  const isPlain = !union.isWrapped && !(union.hasText && isToldAsText(value));
  return isPlain ? value : wrapped(branch, value);
}

function wrapped(branch: AvroType, value: unknown): { readonly [branch: string]: unknown } {
  const of = {};
  setOwn(of, branchName(branch), value);
  return of;
}

/** Numbers that JSON has no number for: in a union with text they would be read as that. */
function isToldAsText(value: unknown): boolean {
  return typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value));
}

/** A branch that would round a number is the last one that it is taken for. */
export function exactFirst(branches: readonly AvroType[], value: unknown): readonly AvroType[] {
  const isRounded = typeof value === 'number' && !Object.is(Math.fround(value), value);
  if (!isRounded || !branches.some(({ kind }) => kind === 'float')) return branches;
  const exact = branches.filter(({ kind }) => kind !== 'float');
  return [...exact, ...branches.filter(({ kind }) => kind === 'float')];
}

/** Whether an object of that one field is a value of the branch itself, and names none. */
export function hasOwnField(branch: AvroType, name: string): boolean {
  if (branch.kind === 'record') return branch.fields.some((field) => field.name === name);
  return branch.kind === 'map';
}

/**
 * Whether an object of that one field can be nothing but the branch that it names: where maps are
 * written with their own name around them, a key of that name alone is none of theirs.
 */
export function isNamedAlone({ isWrapped, types }: UnionType, name: string): boolean {
  return isWrapped && types.every((of) => of.kind === 'map' || !hasOwnField(of, name));
}

/** The branch that an object of one field names, by its full name or without the namespace. */
export function branchNamed(union: UnionType, value: unknown): AvroType | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const names = Object.keys(value);
  if (names.length !== 1) return undefined;
  const [name] = names as [string];
  const full = union.types.find((branch) => branchName(branch) === name);
  if (full !== undefined) return full;
  const short = union.types.filter((branch) => shortName(branchName(branch)) === name);
  return short.length === 1 ? short[0] : undefined;
}
