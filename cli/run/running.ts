/** A pipeline that runs, whichever way. */
import type { Plan } from '../../compiler/plan.ts';
import type { LogLine } from '../../gateway/problem.ts';
import type { Losing } from '../../runtime/edits/judge.ts';
import type { FlowSnapshot } from '../../runtime/flow.ts';
import type { Deployment } from '../deployment.ts';
import type { Secrets } from '../secrets.ts';

export interface RunOptions {
  /** The folder that relative paths and messages are from. */
  readonly folder: string;
  readonly say: LogLine;
  /** What becomes of what an edit of the topology would lose; refused by default. */
  readonly losing?: Losing;
  /** Goes on although topics have one replica on several brokers (CAR633). */
  readonly force?: boolean;
  /** Why the last edit was not taken, for health; empty: there is nothing to say. */
  readonly edits?: () => string;
  /** Settings of connectors beside the deployment's (the sample world's stand-ins). */
  readonly connectors?: Deployment['connectors'];
}

export interface Running {
  /** Where devices and producers reach it; null: it has neither role. */
  readonly url: string | null;
  /** Where /health and /metrics are; null: the process has no port. */
  readonly healthUrl: string | null;
  readonly secrets: Secrets;
  readonly plan: Plan;
  /** Of the topology, as it was written when it was opened. */
  readonly text: string;
  /** Rejects when it can no longer run. */
  readonly ended: Promise<never>;
  connections(): number;
  snapshot(): Promise<FlowSnapshot>;
  close(): Promise<void>;
}
