/** Events that are kept of a node; the oldest go. */
export const SAID_MAX = 200;
