/** All commands, with their options. To add one: a line here, a file in commands/. */
import type { Command } from 'commander';
import { choice, DEPLOYMENT, PROCESSORS, type SetExit, whole } from './arguments.ts';
import { runCommands } from './run-commands.ts';
import { scanCommands } from './scan-commands.ts';

export function addCommands(program: Command, exit: SetExit): void {
  runCommands(program, exit);
  deskCommands(program, exit);
  producerCommands(program, exit);
  readerCommands(program, exit);
}

/** What needs no log: the data engineers' desk. */
function deskCommands(program: Command, exit: SetExit): void {
  program
    .command('check')
    .description('check topologies and their tests: all errors at once')
    .argument('[files...]', 'topology files, test files or folders (default: the deployment)')
    .option(...DEPLOYMENT)
    .option(...PROCESSORS)
    .option('--format <form>', 'text, or json for editors', choice('text', 'json'), 'text')
    .option('--strict', 'take warnings as errors')
    .action(async (files, options) => {
      exit(await (await import('./commands/check.ts')).check(files, options));
    });
  program
    .command('describe')
    .description("print what a topology becomes, in Kafka Streams' form")
    .argument('[file]', 'a topology file (default: that of the deployment)')
    .option(...DEPLOYMENT)
    .option(...PROCESSORS)
    .option(
      '--format <form>',
      'text, svg for a picture, json for programs, or mermaid',
      choice('text', 'svg', 'json', 'mermaid'),
      'text',
    )
    .action(async (file, options) => {
      exit(await (await import('./commands/describe.ts')).describeTopology(file, options));
    });
  program
    .command('plan')
    .description('say what an edit of a topology would do: exit code 2 where something is lost')
    .argument('[files...]', 'OLD and NEW; or NEW, beside what is stored (default: the deployment)')
    .option(...DEPLOYMENT)
    .option(...PROCESSORS)
    .option('--format <form>', 'text, or json', choice('text', 'json'), 'text')
    .action(async (files, options) => {
      exit(await (await import('./commands/plan.ts')).plan(files, options));
    });
  program
    .command('explain')
    .description('explain an error code, a step, a sink')
    .argument('[name]', 'CAR204, dedup, fcm; or codes, steps, sinks, providers', 'codes')
    .option(...DEPLOYMENT)
    .option(...PROCESSORS)
    .action(async (name, options) => {
      exit(await (await import('./commands/explain.ts')).explain(name, options));
    });
  program
    .command('render')
    .description('show what each push platform would get of a stream, and its size')
    .argument('<stream>', 'a stream of the topology')
    .option(...DEPLOYMENT)
    .option('--sample [file]', 'of the event in this file, JSON; without one: of a made event')
    .option('--locale <locale>', 'for a device of this locale; default: each that is written')
    .option('--format <form>', 'pretty, or json: one line each', choice('pretty', 'json'), 'pretty')
    .action(async (stream, options) => {
      exit(await (await import('./commands/render.ts')).render(stream, options));
    });
  program
    .command('generate')
    .description('write what is generated: JSON Schema, reference, types')
    .option('--check', 'write nothing, and fail when something is stale')
    .action(async (options) => {
      exit(await (await import('./commands/generate.ts')).generate(options));
    });
}

/** What brings events and devices in. */
function producerCommands(program: Command, exit: SetExit): void {
  program
    .command('token')
    .description("mint a JWT with the deployment's secret")
    .option(...DEPLOYMENT)
    .option('--device <id>', 'for a device: its own stream and inbox')
    .option('--member <id>', 'whose devices it may register; a device needs it to register itself')
    .option('--scope <scope>', 'device, producer, registrar, operator or admin')
    .option('--events <types>', 'of a producer: these event types alone, with commas')
    .option('--ttl <duration>', 'how long it is good', '24h')
    .action(async (options) => {
      exit(await (await import('./commands/token.ts')).token(options));
    });
  program
    .command('console')
    .description('print the address of the page to look at, with a token to open it')
    .option(...DEPLOYMENT)
    .option('--ttl <duration>', 'how long the token is good', '8h')
    .action(async (options) => {
      exit(await (await import('./commands/console.ts')).consoleAddress(options));
    });
  program
    .command('produce')
    .description('write sample events at a rate, or given ones')
    .argument('[file]', 'JSON lines, one event each; - for standard input; none: sample events')
    .option(...DEPLOYMENT)
    .option('--type <types>', 'event types, with commas; all for samples')
    .option('--rate <n>', 'events per second; 0: as fast as it goes', whole(0), 10)
    .option('--count <n>', 'how many, then end; without it: until Ctrl-C', whole(1))
    .option(
      '--seed <n>',
      'the same seed gives the same events (default: another each time)',
      whole(0),
    )
    .option('--members <n>', 'how many members the samples are of', whole(1), 12)
    .option(
      '--url <url>',
      'the gateway (default: that of the deployment; on Kafka: none, straight into the topics)',
    )
    .option('--mistakes', 'samples as on a bad day: late, twice, for nobody, of a wrong clock')
    .action(async (file, options) => {
      exit(await (await import('./commands/produce.ts')).produce(file, options));
    });
  program
    .command('device')
    .description('act as a device: register, connect, print, acknowledge')
    .option(...DEPLOYMENT)
    .requiredOption('--id <id>', 'the device id')
    .option('--member <id>', 'registers it for this member first')
    .option('--class <class>', "one of the topology's classes of device: tv, mobile, …")
    .option('--pull', 'ask for the inbox in place of holding a socket')
    .option('--every <duration>', 'how often to pull; without it: once', undefined)
    .option('--after <cursor>', 'where to go on; default: what was acknowledged')
    .option('--no-ack', 'acknowledge nothing')
    .option('--url <url>', 'the gateway (default: that of the deployment)')
    .option(
      '--format <form>',
      'pretty, or json: frames as they come',
      choice('pretty', 'json'),
      'pretty',
    )
    .action(async (options) => {
      exit(await (await import('./commands/device.ts')).device(options));
    });
}

/** What looks into the log. */
function readerCommands(program: Command, exit: SetExit): void {
  for (const [name, argument, what] of [
    ['delivery', 'notification-id', 'say what became of one notification, milestone by milestone'],
    ['device-history', 'device', 'say what a device was to be told, and what became of it'],
  ] as const) {
    program
      .command(name)
      .description(what)
      .argument(`<${argument}>`, `the ${argument.replace('-', ' ')}`)
      .option(...DEPLOYMENT)
      .option('--from <when>', 'start, a time, or how long ago: 10m', 'start')
      .option(
        '--format <form>',
        'pretty, or json: one line each',
        choice('pretty', 'json'),
        'pretty',
      )
      .action(async (id, options) => {
        const commands = await import('./commands/delivery.ts');
        const run = name === 'delivery' ? commands.delivery : commands.deviceHistory;
        exit(await run(id, options));
      });
  }
  scanCommands(program, exit);
  const schemas = program.command('schemas').description('what producers write, and can be read');
  schemas
    .command('check')
    .description('whether the topology can read what is written with a schema')
    .argument('[files...]', 'schemas of producers (.avsc); none: what is registered')
    .option(...DEPLOYMENT)
    .option('--topic <topic>', 'the topic that the files are for (default: by their record)')
    .option('--strict', 'take warnings as errors')
    .action(async (files, options) => {
      exit(await (await import('./commands/schemas.ts')).checkSchemas(files, options));
    });
  schemas
    .command('register')
    .description("bring the topology's schemas to the registry, if all can be read with them")
    .option(...DEPLOYMENT)
    .action(async (options) => {
      exit(await (await import('./commands/schemas.ts')).registerSchemas(options));
    });
  const topics = program.command('topics').description('what the topology needs of the log');
  for (const [name, what] of [
    ['plan', 'say which topics would be made, and which differ from what is needed'],
    ['apply', 'make those that are missing; those that differ are told, never changed'],
  ] as const) {
    topics
      .command(name)
      .description(what)
      .argument('[file]', 'a topology file (default: that of the deployment)')
      .option(...DEPLOYMENT)
      .option('--format <form>', 'pretty, or json', choice('pretty', 'json'), 'pretty')
      .action(async (file, options) => {
        exit(await (await import('./commands/topics.ts')).topics(name, file, options));
      });
  }
  topics
    .command('acls')
    .description('say what each role must be allowed to do on Kafka')
    .argument('[file]', 'a topology file (default: that of the deployment)')
    .option(...DEPLOYMENT)
    .option('--role <role>', 'one role: streams/<priority>, …, deploy, producer, analyst')
    .option('--format <form>', 'pretty: commands, or json', choice('pretty', 'json'), 'pretty')
    .action(async (file, options) => {
      exit(await (await import('./commands/acls.ts')).acls(file, options));
    });
}
