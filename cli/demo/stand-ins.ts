/** FCM and APNs of the sample world: wire-level stand-ins on local ports, no account needed. */
import { startApnsFake } from '../../connectors/apns/fake.ts';
import { fcmActs, startFcmFake } from '../../connectors/fcm/fake.ts';
import type { Deployment } from '../deployment.ts';
import { DEAD_TOKEN } from './sample-devices.ts';

export interface StandIns {
  /** What `connectors` of the deployment has to hold to send there. */
  readonly connectors: Deployment['connectors'];
  /** Messages that they accepted. */
  received(): { readonly fcm: number; readonly apns: number };
  close(): Promise<void>;
}

/** `project` and `bundle`: as the topology's sinks name them. */
export async function startStandIns(names: {
  readonly project: string;
  readonly bundle: string;
}): Promise<StandIns> {
  const [fcm, apns] = await Promise.all([
    startFcmFake({ project: names.project }),
    startApnsFake({ bundle: names.bundle }),
  ]);
  fcm.script(DEAD_TOKEN, fcmActs.unregistered);
  return {
    connectors: { fcm: fcm.settings, apns: apns.settings },
    received: () => ({ fcm: fcm.receivedCount, apns: apns.receivedCount }),
    async close() {
      await Promise.all([fcm.close(), apns.close()]);
    },
  };
}
