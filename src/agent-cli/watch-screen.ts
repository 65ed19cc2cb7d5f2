import type { InteractivePlan } from '../spec/plan.ts';
import { confirmFinder, dialogFinder, reasonForInput, triesUntil } from './needs-input.ts';
import type { State } from './state.ts';
import type { Terminal } from './tmux.ts';

export type WatchPlan = Omit<InteractivePlan, 'renamed'>;

export interface Watched {
  readonly state: State;
  readonly terminal: Terminal;
  readonly prompt: () => Buffer;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly now: () => number;
  /** Run `agent-turn`; false if it fails. */
  readonly turn: (...args: readonly string[]) => boolean;
}

/** Milliseconds. Users and screens are slower. */
const pollIntervalMs = 500;
/** A screen without a change for this many milliseconds is settled. */
const settledMs = 2_000;
/** Milliseconds between a paste and a key, which would otherwise become a part of the paste. */
const afterPasteMs = 300;
const maxAnswers = 3;
const maxEnters = 10;

/** Watch the screen of an interactive AI CLI until the work is done. */
export async function watchScreen(plan: WatchPlan, watched: Watched): Promise<void> {
  const { state, terminal, sleep, now } = watched;
  const { stalled } = plan;
  const isReady = new RegExp(plan.ready, 'm');
  const findDialog = dialogFinder(plan.dialogs);
  const isToConfirm = confirmFinder(plan.confirm);
  const report = activityReporter(state);
  const enterAgain = enterPresser(watched);
  const reactTo = inputReaction(plan, watched);
  let isPromptGiven = false;
  let last = '';
  let since = now();
  report('working');
  for (; !state.has('exit'); await sleep(pollIntervalMs)) {
    const screen = terminal.screen();
    // A prompt that was just sent counts as a change.
    const seen = `${state.counted('sent')} ${screen}`;
    if (seen !== last) since = now();
    last = seen;
    const stillFor = now() - since;
    const dialog = stillFor >= pollIntervalMs ? findDialog(screen) : null;
    markDialog(state, dialog);

    // Later the agent could print the same words.
    if (!isPromptGiven && stillFor >= pollIntervalMs && isToConfirm(screen)) {
      terminal.press('Enter');
      continue;
    }
    if (!isPromptGiven && dialog === null && isReady.test(screen)) {
      isPromptGiven = true;
      await givePrompt(watched);
      continue;
    }
    if (dialog === null && stillFor >= settledMs && enterAgain()) since = now();
    const [isInTurn, isPromptAccepted] = [state.has('in-turn'), isAccepted(state)];
    const reason = reasonForInput({ dialog, stillFor, isPromptGiven, isPromptAccepted, isInTurn }, stalled);
    if (reason === null) {
      report(isInTurn || stalled === null || stillFor < stalled ? 'working' : 'idle');
    } else {
      report(`needsInput ${reason}`);
      await reactTo(reason);
    }
  }
}

const isAccepted = (state: State) => state.counted('accepted') > 0;

/** Write each change of the activity as a line. */
function activityReporter(state: State): (activity: string) => void {
  let last = '';
  return activity => {
    if (activity !== last) state.appendActivity(activity);
    last = activity;
  };
}

/** Mark that the CLI shows a dialog: text that is typed into it then begins no turn. */
function markDialog(state: State, dialog: string | null): void {
  if (dialog === null) state.clear('waiting-for-answer');
  else if (!state.has('waiting-for-answer')) state.set('waiting-for-answer');
}

/** Paste the prompt, and press Enter until the CLI has accepted it. */
async function givePrompt({ state, terminal, prompt, sleep, turn }: Watched): Promise<void> {
  if (!turn('sent')) return;
  terminal.paste(prompt());
  // Retry, since Enter may have come too early.
  for (let tries = 0; tries < 10 && !isAccepted(state); tries++) {
    await sleep(afterPasteMs);
    if (isAccepted(state)) return;
    terminal.press('Enter');
    for (let polls = 0; polls < 50 && !state.has('exit') && !isAccepted(state); polls++) await sleep(100);
  }
}

/**
 * Return a function that presses Enter for a prompt that was pasted and not accepted, unless a turn is in progress that
 * the prompt may wait for. A busy CLI may take the Enter that follows a paste for a part of it. Returns false if there is
 * nothing to enter, or after too many tries.
 */
function enterPresser({ state, terminal }: Watched): () => boolean {
  const { counted } = state;
  const tries = triesUntil(() => [counted('sent'), counted('accepted'), counted('ended')]);
  return () => {
    const isPending =
      isAccepted(state) && counted('sent') > counted('accepted') && counted('ended') >= counted('accepted');
    if (!isPending || tries() > maxEnters) return false;
    terminal.press('Enter');
    return true;
  };
}

/** Return the reaction to a CLI that needs input, by `needsInput` of the plan. */
function inputReaction(
  { needsInput }: WatchPlan,
  { state, terminal, sleep, turn }: Watched,
): (reason: string) => Promise<void> {
  const tries = triesUntil(() => [state.counted('accepted'), state.counted('ended')]);
  const fail = (reason: string) => void turn('blocked', 'needsInput', reason);
  return async reason => {
    if (needsInput === 'notify') return;
    if (needsInput === 'fail') return fail(reason);
    if (tries() > maxAnswers) return fail(`${reason}, and was answered ${maxAnswers} times`);
    // Text that is not the answer to a dialog begins a turn.
    if (!state.has('waiting-for-answer') && isAccepted(state)) turn('sent');
    terminal.type(needsInput.answer);
    await sleep(afterPasteMs);
    terminal.press('Enter');
    await sleep(settledMs);
  };
}
