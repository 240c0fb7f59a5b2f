"use strict";
// A command is good for the watchdog's time; who wants it to last says it again. This says it again for as long as the
// flow lives: when Node-RED is gone, nobody does, and the actuator goes to safe.

/**
 * @param {(state: string) => Promise<{renewWithinMs: number}>} command
 * @param {(error: Error) => void} onLost the actuator is not held any more
 */
function openHold(command, onLost) {
  let timer;
  const stop = () => clearTimeout(timer);
  const again = (state, { renewWithinMs }) => {
    stop();
    timer = setTimeout(() => {
      command(state).then((told) => again(state, told), onLost);
    }, renewWithinMs / 3);
  };
  return {
    async set(state, keep) {
      stop();
      const told = await command(state);
      if (keep) again(state, told);
      return told;
    },
    stop,
  };
}

module.exports = { openHold };
