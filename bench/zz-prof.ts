import { renoLoad, renoPlan, runEngine } from './engine.ts';
const n = Number(process.argv[2] ?? 300000);
const load = await renoLoad(n, 50000);
const { plan } = renoPlan();
for (let r = 0; r < Number(process.argv[3] ?? 2); r++) {
  const f = runEngine(load, plan);
  console.log(JSON.stringify({ us: (f.cpuSeconds / f.events * 1e6).toFixed(2), out: f.out, rows: f.rows }));
}
