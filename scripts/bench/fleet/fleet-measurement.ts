export interface FleetOptions {
  readonly agents: number;
  readonly engines: number;
  /** Room for so many agents on each engine. */
  readonly rooms: number;
  /** Default: 1.25 times the room, so that agents wait for it. */
  readonly concurrency?: number;
  /** Place the agents on a single engine by its context, and not by a Swarm. */
  readonly isPlanned?: boolean;
  /** Agents have a lease, and another attempt if their engine is lost. */
  readonly hasLeases?: boolean;
  /** Engines that are silent from one time to another, in milliseconds; with null to the end. */
  readonly outages?: readonly {
    readonly engine: string;
    readonly from: number;
    readonly to: number | null;
  }[];
  /** Milliseconds that an agent works on average. Default: 10 minutes. */
  readonly workMs?: number;
  /** Flags of node for the measured process, such as --cpu-prof. */
  readonly nodeFlags?: readonly string[];
}

/** Docker calls, each a process in reality. */
interface Calls {
  readonly total: number;
  /** Calls in the busiest second. */
  readonly perSecond: number;
  readonly byCommand: Readonly<Record<string, number>>;
}

/** A measured run. Times of the simulation pass only while the process is idle; those of the process are real. */
export interface FleetMeasurement {
  readonly agents: number;
  readonly engines: number;
  readonly exitCode: number;
  readonly attempts: number;
  /** CPU with that of the simulated engines. */
  readonly cpuMsPerAgent: number;
  /** The largest heap, with that of the simulated engines. */
  readonly heapMB: number;
  readonly journalBytesPerAgent: number;
  /** Delay of the event loop, which grows with the load of the machine. */
  readonly longestDelayMs: number;
  readonly longestTurnCpuMs: number;
  readonly managerCalls: Calls;
  readonly nodeCalls: Calls;
  /** Docker processes at once, without those that follow events. */
  readonly callsAtOnce: number;
  /** The largest number of agents at once that waited for room. */
  readonly pendingAtOnce: number;
  /** The least and the largest number of agents that an engine had. */
  readonly agentsPerEngine: readonly [number, number];
  /** Seconds of the simulation. */
  readonly simulatedSeconds: number;
  readonly wallMs: number;
  /** Outcomes of the run that are not as they have to be, in words. */
  readonly problems: readonly string[];
}
