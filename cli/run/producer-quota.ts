/** What a deployment lets one producer send, as the gateway counts it. */
import type { BudgetLimits } from '../../gateway/budgets.ts';
import type { ProducerQuota } from '../deployment-http.ts';

/** A producer that was still for so long may send at once what it has saved. */
const BURST_SECONDS = 2;

export function budgetsOf({
  requestsPerSecond,
  bytesPerSecond,
}: ProducerQuota): Pick<BudgetLimits, 'producerRequests' | 'producerBytes'> {
  const budget = (perSecond: number) => ({ burst: perSecond * BURST_SECONDS, perSecond });
  return { producerRequests: budget(requestsPerSecond), producerBytes: budget(bytesPerSecond) };
}
