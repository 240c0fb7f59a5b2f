"use strict";
// A command is good for the watchdog's time; who wants it to last says it again. This says it again for as long as the
// flow lives: when Node-RED is gone, nobody does, and the actuator goes to safe.

/**
 * @param {(state: string) => Promise<{renewWithinMs: number}>} command
 * @param {(state: string, error: Error) => void} onLost the gateway does not hold it there any more
 * @param {(error: Error) => void} onTrouble it cannot be asked now, and is asked again
 */
function openHold(command, { onLost, onTrouble }) {
  let timer;
  const stop = () => clearTimeout(timer);
  const again = (state, { renewWithinMs }) => {
    stop();
    timer = setTimeout(() => {
      command(state).then(
        (told) => again(state, told),
        (error) => {
          if (error.status !== undefined && !error.later) return onLost(state, error);
          onTrouble(error);
          again(state, { renewWithinMs });
        },
      );
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
