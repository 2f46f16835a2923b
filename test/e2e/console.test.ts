/**
 * The console of a running pipeline, as an operator has it: in a headless browser, where the
 * machine has one. Its policy is in force there, and what it keeps from being loaded is a
 * complaint.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BrowserPage, browserOfMachine } from '../kit/browser.ts';
import { leasePorts, type PortLease } from '../kit/servers/ports.ts';
import { CARILLON, ENV, House } from './embedded-run.ts';

/** A browser takes its time on a machine that others use. */
const PATIENCE_MS = 120_000;
const browser = browserOfMachine();
const skip =
  browser === undefined ? 'no Chromium on this machine: apt-get install chromium' : false;
/** Screenshots are kept for who wants to look: a folder, or nothing. */
const SHOTS = process.env.CARILLON_SCREENSHOTS;

const SOCKETS = join(import.meta.dirname, 'topologies/sockets.yaml');

describe('the console in a browser', { skip, timeout: PATIENCE_MS }, () => {
  let house: House;
  let page: BrowserPage;
  let leases: readonly PortLease[] = [];

  before(
    async () => {
      leases = await leasePorts(2);
      const [port, internalPort] = leases.map((lease) => lease.port);
      house = new House({ topology: SOCKETS, port: port!, internalPort: internalPort! });
      await house.start();
      await house.register('tv', 'm-1', 'websocket');
      page = await BrowserPage.open(browser!);
      await page.size(1_500, 1_000);
    },
    { timeout: PATIENCE_MS },
  );
  after(async () => {
    await page?.close();
    await house?.close();
    for (const lease of leases) lease.release();
  });

  const shot = async (name: string) => {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    writeFileSync(join(SHOTS, `${name}.png`), await page.screenshot());
  };
  const says = (text: string) => `document.body.innerText.includes(${JSON.stringify(text)})`;
  const address = () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [CARILLON, 'console', '--deployment', house.deployment],
      { encoding: 'utf8', env: { ...process.env, ...ENV } },
    );
    assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+\/console\/#token=\S+\n$/, stderr);
    return stdout.trim();
  };

  test('without a token it asks for one, and takes it', async () => {
    const [plain, token] = address().split('#token=');
    await page.goto(plain!);
    await page.until("document.querySelector('#token')", 'the field');
    await page.type('nonsense');
    await page.press('Enter');
    await page.until(says('CAR702'), 'the refusal');
    await page.type(token!);
    await page.press('Enter');
    await page.until("document.querySelector('.picture svg')", 'the picture');
  });

  test('the address of `carillon console` opens it, and leaves no token behind', async () => {
    await page.goto('about:blank');
    await page.goto(address());
    await page.until("document.querySelector('.picture svg')", 'the picture');
    assert.doesNotMatch(await page.evaluate<string>('location.href'), /token/);
    assert.equal(page.asked.filter((url) => url.includes('token')).length, 0);
  });

  test('the picture and the tables count what flows', async () => {
    const client = await house.client('producer');
    const event = (n: number) => ({
      eventId: `e-${n}`,
      memberId: 'm-1',
      planTo: 'top',
      changedAt: Date.now(),
    });
    let n = 0;
    const timer = setInterval(() => {
      client.postEvents('plan-change', [event(n++)]).catch(() => undefined);
    }, 100);
    try {
      const live = '[...document.querySelectorAll(\'[data-live^="in|"]\')]';
      await page.until(`${live}.some((place) => /\\/s$/.test(place.textContent))`, 'a rate');
      await page.until("document.querySelector('#state.well')", 'the state');
      const text = await page.evaluate<string>("document.querySelector('main').innerText");
      assert.match(text, /plan-change\s+critical\s+fan_out/);
      await shot('topology');

      await page.evaluate("location.hash = '#live'");
      await page.until("document.querySelector('#where')", 'the query');
      await page.evaluate("document.querySelector('#where').focus()");
      await page.type("value.planTo == 'top'");
      await page.press('Enter');
      await page.until("document.querySelectorAll('.records li').length > 2", 'records');
      assert.ok(await page.evaluate(says('events.plan-change')));
      await shot('live');
    } finally {
      clearInterval(timer);
    }
  });

  test('a device, found by its member, with the keyboard alone', async () => {
    await page.evaluate("location.hash = '#devices/m-1'");
    await page.until("document.querySelector('button.link')", 'the devices of the member');
    await page.evaluate("document.querySelector('button.link').focus()");
    await page.press('Enter');
    await page.until(says('offline'), 'where it is');
    await page.until(says('born'), 'what became of its notifications');
    assert.match(await page.evaluate<string>('location.hash'), /^#devices\/tv/);
    await shot('device');
  });

  test('what a member sent is text, never markup', async () => {
    const client = await house.client('producer');
    const markup = '<img src=x onerror="document.title=1">';
    await page.evaluate("location.hash = '#live'");
    await page.until("document.querySelector('#where')", 'the query');
    await page.evaluate("document.querySelector('form button').click()");
    await page.until(says('records of'), 'the query runs');
    await client.postEvents('plan-change', [
      { eventId: 'e-markup', memberId: 'm-1', planTo: markup, changedAt: Date.now() },
    ]);
    await page.until(says('onerror'), 'the record');
    assert.equal(await page.evaluate("document.querySelectorAll('main img').length"), 0);
  });

  test('dead letters: none here, and said so', async () => {
    await page.evaluate("location.hash = '#dead-letters'");
    await page.until(says('There are none'), 'the sentence');
  });

  test('dead letters are sent back with the keyboard: looked at first, once each', async () => {
    const client = await house.client('producer');
    const ahead = Date.now() + 30 * 86_400_000;
    const late = { eventId: 'e-ahead', memberId: 'm-1', planTo: 'top', changedAt: ahead };
    await client.postEvents('plan-change', [late, { ...late, eventId: 'e-ahead-2' }]);
    const count = async (records: number) => {
      await page.until(
        `(() => { const cell = document.querySelector('td.number');
          if (cell?.textContent === '${records}') return true;
          document.querySelector('form button')?.click(); return false; })()`,
        `${records} dead letters`,
      );
    };
    await count(2);
    const text = () => page.evaluate<string>("document.querySelector('.redrive').innerText");
    assert.equal(await text(), '');
    await page.evaluate("document.querySelector('td button').focus()");
    await page.press('Enter');
    await page.until(says('would be sent back'), 'the look');
    assert.match(await text(), /2 dead letters would be sent back to events.plan-change/);
    await shot('redrive');
    await page.scheme('dark');
    await shot('redrive-dark');
    await page.scheme('light');
    // What has the focus is the panel: a second Enter sends nothing.
    await page.press('Enter');
    await page.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Send 2 back');
    await page.press('Enter');
    await page.until(says('2 dead letters sent back to events.plan-change'), 'the sending');
    await shot('redriven');
    // They are of the same time as before, so they are dead letters again.
    await count(4);
    await page.evaluate("document.querySelector('td button').focus()");
    await page.press('Enter');
    await page.until(says('were sent back before'), 'the second look');
    assert.match(await text(), /2 dead letters would be[\s\S]*Left out: 2 were sent back before/);
  });

  test('nothing was asked of anybody else, and nothing was complained of', () => {
    const { origin } = new URL(address());
    const others = page.asked.filter((url) => !url.startsWith(origin) && url !== 'about:blank');
    assert.deepEqual(others, []);
    const own = page.complaints.filter((text) => !text.includes('status of 401'));
    assert.deepEqual(own, []);
  });
});
