import { checkScenarios } from './checks.ts';
import { cleanupScenarios } from './cleanup.ts';
import { correctionScenarios } from './corrections.ts';
import { lateScenarios } from './late.ts';
import { lostScenarios } from './lost.ts';
import { placingScenarios } from './placing.ts';
import { reconcileScenarios } from './reconcile.ts';
import { retryScenarios } from './retry.ts';
import { startupScenarios, stepScenarios } from './startup.ts';
import { stopScenarios } from './stop.ts';
import type { Scenario } from './story.ts';

/** Every scenario of one agent: agent.test.ts runs each, mutation.test.ts runs them with mutants of the chart. */
export const scenarios: readonly Scenario[] = [
  ...startupScenarios,
  ...stepScenarios,
  ...reconcileScenarios,
  ...placingScenarios,
  ...stopScenarios,
  ...cleanupScenarios,
  ...retryScenarios,
  ...checkScenarios,
  ...correctionScenarios,
  ...lateScenarios,
  ...lostScenarios,
];
