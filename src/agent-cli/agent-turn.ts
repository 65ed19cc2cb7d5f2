#!/usr/bin/env node
// Count the turns of an interactive AI CLI, whose hooks call this, with JSON on stdin.
//
//   agent-turn begin                  the CLI is about to be started
//   agent-turn sent                   a prompt is about to be typed into it
//   agent-turn accepted               it has accepted a prompt
//   agent-turn end [queued]           a turn has ended; `queued`: an accepted prompt may still get its own turn
//   agent-turn failed                 a turn has failed
//   agent-turn blocked KIND MESSAGE   it cannot continue
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
  // Without the lock, count nothing and never declare the work done.
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
    case 'blocked':
      fail({ kind: failureKinds.find(kind => kind === detail) ?? 'needsInput', message, resetsAt: null });
      break;
    default:
      console.error('usage: agent-turn begin|sent|accepted|end|failed|blocked');
      process.exitCode = 2;
  }
}

/** Check in another process whether a turn follows, since the CLI waits for its hook. */
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
