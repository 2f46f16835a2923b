/**
 * What the servers are doing, on standard error: people look before they read.
 * CARILLON_SERVERS_QUIET=1 turns it off.
 */
export function progress(text: string, startedAtMs?: number): void {
  if (process.env.CARILLON_SERVERS_QUIET === '1') return;
  const took =
    startedAtMs === undefined
      ? ''
      : ` (${((performance.now() - startedAtMs) / 1000).toFixed(1)} s)`;
  process.stderr.write(`servers | ${text}${took}\n`);
}
