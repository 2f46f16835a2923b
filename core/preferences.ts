/** What a member wants, as a table of schema MemberPreferences has it, keyed by member. */
import type { Transport } from './device.ts';

export interface MemberPreferences {
  readonly memberId: string;
  /** A name of the IANA database, or null. */
  readonly timeZone: string | null;
  readonly useCases: readonly UseCasePreference[];
}

export interface UseCasePreference {
  /** The id of a use case, or ALL_USE_CASES. */
  readonly useCase: string;
  /** Those that are wanted; none: it is not told. */
  readonly transports: readonly Transport[];
}

/** Stands for every use case that the row does not name. */
export const ALL_USE_CASES = '*';
