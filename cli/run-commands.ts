/** The commands that run a pipeline: for good, for show, or by hand. */
import type { Command } from 'commander';
import { DEPLOYMENT, PROCESSORS, type SetExit, whole } from './arguments.ts';

const collect = (role: string, before: readonly string[] | undefined) => [
  ...(before ?? []),
  ...role.split(','),
];

function pipelineCommands(program: Command, exit: SetExit): void {
  program
    .command('init')
    .description('make a pipeline of your own: topology, schema, test, deployment')
    .argument('<folder>', 'a new folder; its name is the name of the pipeline')
    .action(async (folder) => {
      exit(await (await import('./commands/init.ts')).init(folder));
    });
  program
    .command('new')
    .description('make the files of a step, a sink or a use case, with a test that fails')
    .argument('<kind>', 'processor, connector or use-case')
    .argument('<name>', 'lower-case letters, digits and -')
    .option(...DEPLOYMENT)
    .action(async (kind, name, options) => {
      exit(await (await import('./commands/new.ts')).make(kind, name, options));
    });
  program
    .command('run')
    .description('run the pipeline of the deployment, until Ctrl-C')
    .option(...DEPLOYMENT)
    .option(...PROCESSORS)
    .option(
      '--role <role>',
      'on Kafka: what this process does — all, streams[/<priority>], sink/<name>[/<priority>], gateway, ingest, devices, console',
      collect,
    )
    .option(
      '--workers <n>',
      'on Kafka: so many processes of these roles; they share the public port (default: as in carillon.yaml, or 1)',
      whole(1),
    )
    .option('--drain', 'after an edit: what it would lose is told first, as it was before')
    .option('--drop', 'after an edit: what it would lose is dropped, and counted as step_removed')
    .option('--force', 'on Kafka: go on although topics have one replica on several brokers')
    .action(async (options) => {
      exit(await (await import('./commands/run.ts')).run(options));
    });
}

export function runCommands(program: Command, exit: SetExit): void {
  pipelineCommands(program, exit);
  program
    .command('demo')
    .description('run the pipeline with sample producers and devices, and watch it')
    .option(...DEPLOYMENT)
    .option('--rate <n>', 'sample events per second', whole(0), 20)
    .option('--members <n>', 'sample members', whole(1), 12)
    .option('--seed <n>', 'the same seed gives the same events', whole(0), 1)
    .option('--seconds <n>', 'end after so long', whole(1))
    .action(async (options) => {
      exit(await (await import('./commands/demo.ts')).demo(options));
    });
  program
    .command('backup')
    .description('copy an embedded pipeline whole, while it runs: data, secrets, topology')
    .argument('<folder>', 'a folder that is not there yet')
    .option(...DEPLOYMENT)
    .action(async (folder, options) => {
      exit(await (await import('./commands/backup.ts')).backup(folder, options));
    });
  program
    .command('restore')
    .description('read a backup, and put it into the data folder of the deployment')
    .argument('<folder>', 'what carillon backup has made')
    .option(...DEPLOYMENT)
    .action(async (folder, options) => {
      exit(await (await import('./commands/backup.ts')).restore(folder, options));
    });
  program
    .command('drive')
    .description('the test driver: JSON lines in, JSON lines out, the clock in your hand')
    .argument('[file]', 'a topology file (default: that of the deployment)')
    .option(...DEPLOYMENT)
    .option(...PROCESSORS)
    .option('--partitions <n>', 'of every topic', whole(1), 1)
    .option('--commit-every <n>', 'commit after so many records', whole(1), 1)
    .option('--drops', 'name every record that is dropped')
    .option('--in <file>', 'lines of a file, as record writes them, in place of standard input')
    .option(
      '--start <time>',
      'where the clock starts (default: with the first record of a log, else 2026-01-01T00:00:00Z)',
    )
    .option('--sinks <which>', 'recorders, or live: the real ones of the deployment', 'recorders')
    .action(async (file, options) => {
      exit(await (await import('./commands/drive.ts')).drive(file, options));
    });
  program
    .command('test')
    .description('run the *.test.yaml files beside topologies')
    .argument('[paths...]', 'test files or folders', ['topology'])
    .option(...DEPLOYMENT)
    .option(...PROCESSORS)
    .action(async (paths, options) => {
      exit(await (await import('./commands/test.ts')).test(paths, options));
    });
  program
    .command('dev')
    .description('check, test and try a topology on samples, at every save')
    .argument('[file]', 'a topology file (default: that of the deployment)')
    .option(...DEPLOYMENT)
    .option(...PROCESSORS)
    .option('--once', 'once, and end: status 1 when something is wrong')
    .option('--events <n>', 'sample events', whole(1), 400)
    .option('--seed <n>', 'the same seed gives the same events', whole(0), 1)
    .action(async (file, options) => {
      exit(await (await import('./commands/dev.ts')).dev(file, options));
    });
}
