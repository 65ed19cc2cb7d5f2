import type { Usage } from '../agent-cli/report.ts';
import { type AttemptUsage, createMeter } from '../broker/meter.ts';
import type { CallUsage } from '../broker/usage.ts';
import { usageSchema } from '../transcript/agent-report.ts';
import { brokerProgram } from './broker-args.ts';
import type { ProxyOptions } from './proxy.ts';

/** Return the usage that the broker has counted for an attempt; null if it has none, or cannot be asked. */
export async function readUsage(
  broker: string,
  { agent, attempt }: { readonly agent: string; readonly attempt: number },
  { docker, signal }: ProxyOptions,
): Promise<Usage | null> {
  const args = ['exec', broker, ...brokerProgram, 'usage', agent, String(attempt)];
  const scope = { agent, attempt };
  const result = await docker(args, { timeout: 30_000, signal, scope }).catch(() => null);
  if (!result?.ok) return null;
  try {
    return usageSchema.nullable().parse(JSON.parse(result.stdout));
  } catch {
    return null;
  }
}

/** Sum up the usage in the log of a broker, which has ended with its own sums. */
export async function usageInLog(
  broker: string,
  { docker, signal }: ProxyOptions,
): Promise<readonly AttemptUsage[]> {
  const result = await docker(['logs', broker], { timeout: 60_000, signal, isLog: true });
  const meter = createMeter();
  for (const line of result.stdout.split('\n')) {
    const call = callIn(line);
    if (call !== null) meter.count(call.agent, call.attempt, call.usage);
  }
  return meter.all();
}

/** The paths in a log are those of agents, but its lines are the broker's. */
function callIn(line: string): { agent: string; attempt: number; usage: CallUsage } | null {
  try {
    const { agent, attempt, usage } = JSON.parse(line);
    return typeof agent === 'string' && Number.isInteger(attempt) && usage ? { agent, attempt, usage } : null;
  } catch {
    return null;
  }
}
