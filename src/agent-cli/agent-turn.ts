#!/usr/bin/env node
// The turns of an interactive AI CLI, which calls this by its hooks, with JSON on stdin.
//
//   agent-turn begin                  it is about to be started
//   agent-turn sent                   something is about to be typed into it
//   agent-turn accepted               it has accepted what was typed
//   agent-turn end [queued]           a turn has ended; `queued`: what it has accepted may have a turn of its own
//   agent-turn failed                 a turn has failed
//   agent-turn trouble KIND MESSAGE   it cannot go on
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JsonObject, objectOf, textOf } from './json.ts';
import { failureKinds, type ReportedFailure } from './report.ts';
import { staysSettled } from './settle.ts';
import { stateDirectory, stateIn } from './state.ts';
import { turnFailure } from './turn-failure.ts';
import { turnsIn } from './turns.ts';

const done = (code: number) => void spawnSync('agent-done', [String(code)]);
const state = stateIn(stateDirectory);
const turns = turnsIn(state, done);
const [verb, detail = '', message = ''] = process.argv.slice(2);

run().catch(error => {
  // Without the lock nothing is counted, and no work is declared done.
  console.error(`agent-turn: ${error.message}`);
  process.exitCode = 1;
});

async function run(): Promise<void> {
  switch (verb) {
    case 'begin':
      turns.begin();
      break;
    case 'sent':
      if (!turns.send()) process.exitCode = 1;
      break;
    case 'accepted':
      turns.accept();
      break;
    case 'end': {
      const transcript = textOf(stdin().transcript_path);
      if (turns.end(detail === 'queued')) settleLater(transcript);
      else turns.finish();
      break;
    }
    case 'settle':
      if (await staysSettled(state, detail, sleep)) turns.finish();
      break;
    case 'failed':
      fail(turnFailure(stdin(), Date.now()));
      break;
    case 'trouble':
      fail({ kind: failureKinds.find(kind => kind === detail) ?? 'needsInput', message, resetsAt: null });
      break;
    default:
      console.error('usage: agent-turn begin|sent|accepted|end|failed|trouble');
      process.exitCode = 2;
  }
}

/** The hook is waited for, so another process looks whether a turn follows. */
function settleLater(transcript: string): void {
  const args = [process.argv[1]!, 'settle', transcript];
  spawn(process.execPath, args, { detached: true, stdio: 'ignore' }).unref();
}

function fail(failure: ReportedFailure | null): void {
  state.saveReport({
    usage: null,
    failure: failure && { ...failure, message: failure.message.slice(0, 400) },
  });
  done(1);
}

function stdin(): JsonObject {
  try {
    return objectOf(JSON.parse(readFileSync(0, 'utf8')));
  } catch {
    return {};
  }
}
