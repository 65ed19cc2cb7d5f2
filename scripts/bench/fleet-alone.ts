#!/usr/bin/env node
// Measure runs on simulated engines, without Docker: the whole run, with its machines, actors, journal, watchers and the
// scheduler of a Swarm. Only the docker processes are replaced. Prints a line of JSON for each run.
//
//   scripts/bench/fleet-alone.ts          100 agents on 100 engines, 10,000 agents on one, and 10,000 on 100
//   scripts/bench/fleet-alone.ts '{"agents": 500, "engines": 20, "rooms": 20, "hasLeases": true}'
//                                         with the options of fleet/fleet-measurement.ts
import { measureFleet, measureFleets } from './fleet/fleet.ts';

const [, , ...given] = process.argv;
const measured = given.length > 0 ? given.map(options => measureFleet(JSON.parse(options))) : measureFleets();
for (const measurement of measured) console.log(JSON.stringify(measurement));
