import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { junit } from '../../views/junit.ts';
import { outcomesOf } from '../../views/outcomes.ts';
import { reasonOf } from './reason.ts';
import type { Reporter } from './reporter.ts';
import { lastLines } from './transcript.ts';

/** Writes JUnit XML when the run is over. That it can be written is looked at first. */
export function junitFile(file: string): Reporter {
  checkPlace(file);
  return {
    async onEnd(state) {
      const tails = new Map<string, string>();
      for (const { name, status, transcript } of outcomesOf(state)) {
        if (transcript === null || status === 'succeeded') continue;
        tails.set(name, (await lastLines(transcript, tailLength)).join('\n'));
      }
      try {
        writeFileSync(file, junit(state, tails));
      } catch (error) {
        throw new Error(`--junit ${file} was not written: ${reasonOf(error)}`);
      }
    },
  };
}

/** Lines of an agent that failed: what a person needs first. */
const tailLength = 50;

function checkPlace(file: string): void {
  const refuse = (reason: string, next: string) => {
    throw new UsageError(`--junit ${file} cannot be written: ${reason}. ${next}`);
  };
  if (file === '-' || file === '') refuse('it takes a file', 'Name one, for example junit.xml');
  const folder = dirname(resolve(file));
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    refuse(`${folder} is no directory`, 'Make it first, or name another file');
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    refuse('it is a directory', 'Name a file in it');
  try {
    accessSync(existsSync(file) ? file : folder, constants.W_OK);
  } catch (error) {
    refuse(reasonOf(error), 'Name another file');
  }
}
