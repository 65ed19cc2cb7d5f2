import test from 'ava';
import { UsageError } from '../../../src/errors.ts';
import { checkLimits, maxConcurrency, startsAtOnce } from '../../../src/preflight/limits.ts';
import type { AgentPlan, FlowPlan } from '../../../src/spec/plan.ts';
import { engine as usualEngine } from '../_helpers/actor-ports.ts';
import { defaultPlan } from '../_helpers/default-plan.ts';

const gib = 2 ** 30;
const engine = { ...usualEngine, cpus: 8, memory: 16 * gib };
const flow = (...agents: Partial<AgentPlan>[]): FlowPlan => ({
  name: 'f',
  concurrency: null,
  agents: agents.map((agent, index) => ({ ...defaultPlan, name: 'abc'[index]!, ...agent })),
});

test('an agent may have all that the engine has', t => {
  t.notThrows(() => checkLimits(flow({ cpus: 8, memory: 16 * gib }, { cpus: null }), engine));
});

test('all limits beyond the engine are reported at once, each with its field', t => {
  const plan = flow({ cpus: 8.5 }, { memory: 32 * gib });
  const error = t.throws(() => checkLimits(plan, engine), { instanceOf: UsageError });
  t.regex(
    error!.message,
    /^agents\.a\.cpus: 8\.5 is more than the 8 that .*\nagents\.b\.memory: .* is more than the .* that the Docker engine has$/,
  );
});

test('the largest request of any agent decides how many fit', t => {
  t.is(maxConcurrency(flow({ memory: 4 * gib, cpus: 1 }), engine), 4);
  t.is(maxConcurrency(flow({ memory: gib, cpus: 1 }, { memory: 8 * gib, cpus: 1 }), engine), 2);
  t.is(maxConcurrency(flow({ memory: gib, cpus: 3 }), engine), 2);
});

test('an agent without cpus counts as two, or as all of a smaller engine', t => {
  t.is(maxConcurrency(flow({ memory: gib, cpus: null }), engine), 4);
  t.is(maxConcurrency(flow({ memory: gib, cpus: null }), { ...engine, cpus: 1 }), 1);
});

test('one agent always fits', t => {
  t.is(maxConcurrency(flow({ memory: 64 * gib, cpus: 1 }), engine), 1);
});

test('twice as many containers as CPUs start at once, at least four', t => {
  t.is(startsAtOnce({ ...engine, cpus: 1 }), 4);
  t.is(startsAtOnce({ ...engine, cpus: 16 }), 32);
});
