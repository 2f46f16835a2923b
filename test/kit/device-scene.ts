/** A gateway for the tests of one file, and a new device for each of them. */
import { after, before, beforeEach } from 'node:test';
import { App, closeAll, GATEWAY_LIMITS } from './device-app.ts';
import { Bench } from './gateway-bench.ts';

/** The file's, while its tests run. */
export let bench: Bench;
/** The id of the test's own; its member is known. */
export let device = '';
let number = 0;

/** Called once a file; what its applications have opened is closed in the end. */
export function setScene(): void {
  before(async () => {
    bench = await Bench.open({ limits: GATEWAY_LIMITS });
  });
  beforeEach(async () => {
    device = `tv-${++number}`;
    await bench.own(device);
  });
  after(async () => {
    await closeAll();
    await bench.close();
  });
}

export const put = (...numbers: number[]) => new App(bench, device).put(...numbers);
export const live = (sequence: number) => new App(bench, device).live(sequence);
export const acked = () => new App(bench, device).acked;
