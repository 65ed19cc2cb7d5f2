/** Return the name of the agent for an item of a list, counted from 1. */
export const itemName = (agent: string, index: number) => `${agent}-${index}`;
