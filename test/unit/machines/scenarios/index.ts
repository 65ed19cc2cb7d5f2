import { lateScenarios } from './late.ts';
import { reconcileScenarios } from './reconcile.ts';
import { retryScenarios } from './retry.ts';
import { stopScenarios } from './stop.ts';
import type { Scenario } from './story.ts';
import { tidyScenarios } from './tidy.ts';
import { stepScenarios, wayUpScenarios } from './way-up.ts';

/** Every story that is told of one agent: agent.test.ts tells each, mutation.test.ts tells them to broken charts. */
export const scenarios: readonly Scenario[] = [
  ...wayUpScenarios,
  ...stepScenarios,
  ...reconcileScenarios,
  ...stopScenarios,
  ...tidyScenarios,
  ...retryScenarios,
  ...lateScenarios,
];
