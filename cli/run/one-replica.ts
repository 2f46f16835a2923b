/** Topics that one lost disk would tear: a person has to say that this is meant. */
import { CarillonError, type Diagnostic } from '../../core/error.ts';

/** Throws CAR633 for what the log tells of topics with one replica, unless it is `force`d. */
export function refuseOneReplica(troubles: readonly Diagnostic[], force: boolean): void {
  const told = troubles.find(({ code }) => code === 'CAR633');
  if (told === undefined || force) return;
  throw new CarillonError('CAR633', told.what, { where: told.where });
}
