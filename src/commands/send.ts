import { buffer } from 'node:stream/consumers';
import { tagsOf } from '../../machines/state-tags.ts';
import { connectToAgent } from '../connection/run-connection.ts';
import { UsageError } from '../errors.ts';
import { openStateDir, stateDirPath } from '../store/state-directory.ts';
import { oneLine } from '../text/text.ts';
import { type Command, type CommonOptions, printJson, printLine } from './command.ts';
import { findAgent, inWords } from './find-agent.ts';
import { pasteInto, typeable } from './send/paste.ts';

interface SendOptions extends CommonOptions {
  readonly agent: string;
  readonly text: readonly string[];
  /** The command's name, then the words after `--`. */
  readonly _: readonly (string | number)[];
  readonly enter: boolean;
  readonly json: boolean;
}

const maxBytes = 2 ** 20;

export const send: Command = {
  options: yargs =>
    yargs
      // yargs would drop a lone `-` as an option without a name.
      .parserConfiguration({ 'unknown-options-as-args': true })
      .positional('agent', { type: 'string', demandOption: true, describe: 'Agent, as AGENT or RUN/AGENT' })
      .positional('text', {
        type: 'string',
        array: true,
        describe: 'Words, joined by spaces; - reads stdin; "" presses Enter',
      })
      .option('enter', { type: 'boolean', default: true, hidden: true })
      .option('no-enter', { type: 'boolean', describe: 'Do not press Enter after the text' })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'Print what was sent as one line of JSON',
      })
      .example('$0 send worker go on, please', 'Type: go on, please')
      .example('$0 send worker -- --verbose', 'Type text that starts with -')
      .example('$0 send worker - < notes.md', 'Paste a file'),

  async handler(given: CommonOptions) {
    const { stateDir, agent: name, enter, json, ...words } = given as SendOptions;
    const text = await textOf(words);
    const { kept, dropped } = typeable(text);
    const bytes = Buffer.from(kept);
    if (bytes.length > maxBytes)
      throw new UsageError(
        `the text is ${bytes.length} bytes long; the maximum is ${maxBytes}. Put it into a file in the workspace`,
      );
    if (bytes.length === 0 && (!enter || dropped > 0)) throw new UsageError('nothing to send');

    const { agent, folder } = findAgent(openStateDir(stateDirPath(stateDir, process.env)), name);
    const address = `${folder.runId}/${agent.name}`;
    if (agent.status !== null)
      throw new UsageError(`${address} has already finished (${inWords(agent)}). Nothing was sent`);
    if (!tagsOf(agent.state).includes('running') || agent.containerId === null)
      throw new UsageError(`${address} cannot receive text: it is ${inWords(agent)}. Nothing was sent`);

    const { docker } = await connectToAgent(folder, agent.name);
    await pasteInto(agent.containerId, { bytes, enter, address, docker });
    if (dropped > 0) printLine(`dropped ${dropped} control character${dropped === 1 ? '' : 's'}`);
    if (json)
      printJson({ agent: agent.name, runId: folder.runId, attempt: agent.attempt, bytes: bytes.length });
    else printLine(`sent ${bytes.length} byte${bytes.length === 1 ? '' : 's'} to ${address}`);
    return 0;
  },
};

async function textOf({ text, _: [, ...literal] }: Pick<SendOptions, 'text' | '_'>): Promise<string> {
  const option = text.find(word => /^-./.test(word) && !/^-[\d.]/.test(word));
  if (option !== undefined)
    throw new UsageError(`unknown option ${oneLine(option)}. Put text that starts with - after --`);
  if (text.length + literal.length === 0)
    throw new UsageError('missing text, for example: agent-flow send worker "go on"');
  return text[0] === '-' && text.length + literal.length === 1
    ? readStdin()
    : [...text, ...literal].join(' ');
}

/** Read stdin without its last newline, like the shell's `$(…)`: Enter is pressed anyway. */
async function readStdin(): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true })
      .decode(await buffer(process.stdin))
      .replace(/\r?\n$/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    throw new UsageError('stdin is not valid UTF-8. Nothing was sent');
  }
}
