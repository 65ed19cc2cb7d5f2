import { UsageError } from '../../errors.ts';
import { roundsOf } from '../../state/rounds.ts';
import { oneLine } from '../../text/text.ts';
import type { FoundAgent } from '../find-agent.ts';
import { openTranscript, type Part, range } from './attempt-output.ts';
import { readOutput } from './output-file.ts';
import type { Printer } from './printers.ts';

/** A check of an agent: the attempt that it was made on, and its output. */
export interface FoundCheck {
  readonly attempt: number;
  readonly transcript: string | null;
}

/** Return the check that ended a round. Throws if there is none. */
export function checkOf({ agent }: FoundAgent, requested: string): FoundCheck {
  const rounds = roundsOf(agent);
  const found = rounds.find(({ round }) => String(round) === requested);
  if (found) return found;
  const known =
    rounds.length === 0 ? 'No check has ended' : `Found: ${rounds.map(({ round }) => round).join(', ')}`;
  throw new UsageError(`check ${oneLine(requested)} of ${agent.name} does not exist. ${known}`);
}

/** Print the output of a check. Return the number of bytes; null if it is gone. */
export async function printCheck(
  { transcript }: FoundCheck,
  part: Part,
  printer: Pick<Printer, 'write'>,
): Promise<number | null> {
  if (part.since !== null)
    throw new UsageError(
      '--since and --check cannot be combined: the output of a check has no times. Use --tail',
    );
  const file = transcript === null ? null : await openTranscript(transcript);
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    return await readOutput(file, await range(file, size, part), printer.write);
  } finally {
    await file.close();
  }
}
