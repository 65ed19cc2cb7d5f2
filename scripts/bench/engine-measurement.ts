export interface EngineOptions {
  readonly agents: number;
  /** Default: 100. */
  readonly concurrency?: number;
  /** Detach half-way, and measure the rest. */
  readonly isResumed?: boolean;
  /** Let docker calls take as long as those of a real engine. */
  readonly hasLatency?: boolean;
  /** Flags of node for the measured process, such as --cpu-prof. */
  readonly nodeFlags?: readonly string[];
}

export interface Measurement {
  readonly agents: number;
  readonly concurrency: number;
  readonly isResumed: boolean;
  readonly hasLatency: boolean;
  readonly events: number;
  readonly cpuMsPerAgent: number;
  readonly peakRssMB: number;
  readonly heapMB: number;
  readonly journalBytesPerAgent: number;
  /** Delay of the event loop, which grows with the load of the machine. */
  readonly longestDelayMs: number;
  /** CPU that was used between two turns of the event loop, with that of other threads. */
  readonly longestTurnCpuMs: number;
  readonly wallMs: number;
}
