/**
 * The command line: which commands there are, and what they take. A command's own file is loaded
 * when it is called, and loads what it needs; so `--help` and `check` do not pay for Kafka's
 * client.
 */
import { Command, CommanderError } from 'commander';
import { CarillonError } from '../core/error.ts';
import { nearest } from '../core/nearest.ts';
import { addCommands } from './commands.ts';
import { EXIT_OK, EXIT_USAGE, showError } from './show-error.ts';
import { version } from './version.ts';

/** Runs one command and gives the exit code: 0, 1 errors, 2 usage. Never throws, never exits. */
export async function main(words: readonly string[]): Promise<number> {
  let exitCode: number = EXIT_OK;
  const program = newProgram();
  addCommands(program, (code) => {
    exitCode = code;
  });
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT_OK);
  });
  try {
    if (words.length === 0) return helpFor(program);
    await program.parseAsync([...words], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT_OK;
    if (error instanceof CommanderError && error.code === 'commander.help') {
      return helpFor(commandOf(program, words));
    }
    const shown = showError(
      error instanceof CommanderError ? usageError(program, error, words) : error,
      {
        trace: process.env.CARILLON_TRACE === '1',
      },
    );
    process.stderr.write(shown.text);
    return shown.exitCode;
  }
}

/** Somebody who named no command is shown which there are; that is no success, though. */
function helpFor(command: Command): number {
  process.stderr.write(command.helpInformation());
  return EXIT_USAGE;
}

function commandOf(program: Command, words: readonly string[]): Command {
  return program.commands.find((known) => known.name() === words[0]) ?? program;
}

function newProgram(): Command {
  return new Command('carillon')
    .description('One event in, every device told.')
    .version(version(), '-V, --version')
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => {} })
    .helpCommand('help [command]', 'what a command takes')
    .configureHelp({ sortOptions: false, showGlobalOptions: false });
}

/** Commander's sentence without its `error:`; options and commands that are near are suggested. */
function usageError(
  program: Command,
  error: CommanderError,
  words: readonly string[],
): CarillonError {
  const what = error.message.replace(/^error: /, '').split('\n')[0]!;
  const written = /'([^']+)'/.exec(what)?.[1];
  const command = commandOf(program, words);
  const known =
    error.code === 'commander.unknownCommand'
      ? command.commands.map((one) => one.name())
      : command.options.flatMap((option) => option.long ?? []);
  const near = written === undefined ? undefined : nearest(written, known);
  const help = command === program ? 'carillon --help' : `carillon ${command.name()} --help`;
  return new CarillonError('CAR900', `${what}${what.endsWith('.') ? '' : '.'}`, {
    where: { at: `carillon ${words.slice(0, 1).join('')}`.trim() },
    mend: near === undefined ? `see ${help}` : `did you mean "${near}"?   See ${help}`,
  });
}
