#!/usr/bin/env node
// agent-interactive PLAN PROMPT-FILE: sits before the screen of an interactive AI CLI, as a person would. It pastes the
// prompt, once, and from then on watches whether the CLI works, has nothing to do, or needs input. Each change is a line in
// /run/agent/activity: `working`, `idle`, or `needsInput REASON`. A prompt that others sent, and that is not entered when
// a turn is over, it enters. PLAN is a WatchPlan as JSON.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { stateDirectory, stateIn } from './state.ts';
import { tmuxTerminal } from './tmux.ts';
import { type WatchPlan, watchScreen } from './watch-screen.ts';

const [plan = '', promptFile = ''] = process.argv.slice(2);
const bounds = { timeout: 10_000, killSignal: 'SIGKILL' } as const;

void watchScreen(JSON.parse(plan) as WatchPlan, {
  state: stateIn(stateDirectory),
  terminal: tmuxTerminal,
  prompt: () => readFileSync(promptFile),
  sleep,
  now: Date.now,
  turn: (...args) => spawnSync('agent-turn', args, bounds).status === 0,
});
