/** What a push sink would send, to be looked at and not sent. */
import type { DeviceNotification } from './notification.ts';
import type { Priorities } from './priority.ts';
import type { Show } from './show.ts';
import type { TextWords } from './words.ts';

/** A notification to look at before it is sent. */
export interface PushPreview {
  readonly notification: DeviceNotification;
  /** The event, in JSON form. */
  readonly event: unknown;
  readonly show: Show | null;
  readonly priorities: Priorities;
  readonly texts?: TextWords;
  readonly locale: string;
  readonly token: string;
  readonly nowMs: number;
}

export interface Preview {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What the provider counts, and the most it takes. */
  readonly bytes: number;
  readonly bytesMax: number;
  /** True: the payload did not fit, and the device is told to pull. */
  readonly hint: boolean;
}
