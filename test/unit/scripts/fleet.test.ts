import test from 'ava';
import { fleetRatios, measureFleet } from '../../../scripts/bench/fleet/fleet.ts';
import type { FleetMeasurement } from '../../../scripts/bench/fleet/fleet-measurement.ts';
import { testLimit } from '../../limits.ts';

// measureFleet throws if an agent has not succeeded exactly once, or anything is left on an engine that can be reached.
test('agents wait for room on simulated engines, are spread evenly, and leave nothing', t => {
  t.timeout(testLimit);
  const { exitCode, attempts, pendingAtOnce, agentsPerEngine } = measureFleet({
    ...{ agents: 100, engines: 10, rooms: 5, concurrency: 100 },
  });
  t.is(exitCode, 0);
  t.is(attempts, 100);
  t.true(pendingAtOnce >= 50);
  const [least, most] = agentsPerEngine;
  t.true(least >= 5 && most <= 15, `${least} to ${most} agents on an engine`);
});

test('agents go on after an engine was silent for a while, and are placed anew after one is lost', t => {
  t.timeout(testLimit);
  const { exitCode, attempts } = measureFleet({
    ...{ agents: 60, engines: 10, rooms: 4, hasLeases: true },
    outages: [
      { engine: 'h3', from: 200_000, to: 240_000 },
      { engine: 'h5', from: 210_000, to: null },
    ],
  });
  // The containers on the lost engine could not be removed.
  t.is(exitCode, 3);
  t.true(attempts > 60 && attempts <= 70, `${attempts} attempts`);
});

test('ratios compare the last measurement with the others', t => {
  const measured = (agents: number, cpuMsPerAgent: number, total: number) =>
    ({ agents, cpuMsPerAgent, managerCalls: { total }, nodeCalls: { total } }) as FleetMeasurement;
  t.deepEqual(
    Object.values(fleetRatios([measured(10, 8, 100), measured(100, 2, 500), measured(100, 4, 1000)])),
    [2, 2, 0.5, 1],
  );
});
