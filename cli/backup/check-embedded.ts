import { CarillonError } from '../../core/error.ts';
import type { Deployment } from '../deployment.ts';

/** Throws CAR971: a pipeline on Kafka has its data there. */
export function checkEmbedded({ log }: Pick<Deployment, 'log'>): void {
  if (log.kind === 'embedded') return;
  throw new CarillonError('CAR971', 'the log of this deployment is Kafka.', {
    where: { at: 'log.kind' },
  });
}
