"use strict";
// A command is good for the watchdog's time; who wants it to last says it again. This says it again for as long as the
// flow lives: when Node-RED is gone, nobody does, and the actuator goes to safe.

/**
 * One actuator's commands, one call after the other: on a weak network an older "on" could overtake a newer "off".
 * What was wanted before is never said again, also where its call is still on the way.
 *
 * @param {(state: string) => Promise<{renewWithinMs: number}>} command
 * @param {(state: string, error: Error) => void} onLost the gateway does not hold it there any more
 * @param {(error: Error) => void} onTrouble it cannot be asked now, and is asked again
 */
function openHold(command, { onLost, onTrouble }) {
  let timer;
  let newest = 0;
  let turn = Promise.resolve();
  const inTurn = (run) => {
    const result = turn.then(run);
    turn = result.catch(() => undefined);
    return result;
  };
  const next = () => {
    clearTimeout(timer);
    return ++newest;
  };
  const later = (wish, state, told) => {
    if (wish === newest)
      timer = setTimeout(() => inTurn(() => renew(wish, state, told)), told.renewWithinMs / 3);
  };
  const renew = async (wish, state, told) => {
    if (wish !== newest) return;
    try {
      later(wish, state, await command(state));
    } catch (error) {
      if (wish !== newest) return;
      if (error.status !== undefined && !error.later) return onLost(state, error);
      onTrouble(error);
      later(wish, state, told);
    }
  };
  return {
    set(state, keep) {
      const wish = next();
      return inTurn(async () => {
        const told = await command(state);
        if (keep) later(wish, state, told);
        return told;
      });
    },
    stop: next,
  };
}

module.exports = { openHold };
