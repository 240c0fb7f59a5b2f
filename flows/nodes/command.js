"use strict";
const { openHold } = require("../lib/hold.js");
const { Refused } = require("../lib/gateway.js");
const { gatewayOf, onInput, setting, well, waits, bad } = require("../lib/node.js");

/** Switches a pump, relay or charger. What the gateway refuses, and why, is the second output's. */
module.exports = (RED) => {
  function FieldwattCommand(config) {
    RED.nodes.createNode(this, config);
    const client = gatewayOf(RED, this, config);
    if (!client) return;
    const holds = new Map();
    const refused = ({ actuator, state }, { message, body }) => {
      waits(this, `${actuator}: ${body.because || message}`);
      return { payload: { actuator, state, ...body } };
    };
    const holdOf = (actuator) => {
      const path = `/actuators/${encodeURIComponent(actuator)}`;
      const hold =
        holds.get(actuator) ||
        openHold((state) => client.call("PUT", path, { state }), {
          onTrouble: (error) => bad(this, error.message),
          // An interlock ended it, or a person: the flow should know, as when it is refused at once.
          onLost: (state, error) => this.send([null, refused({ actuator, state }, error)]),
        });
      holds.set(actuator, hold);
      return hold;
    };
    onInput(this, async (msg) => {
      const [actuator, state] = [setting(config.actuator, msg.actuator), stateOf(msg.payload)];
      try {
        const payload = { actuator, state, ...(await holdOf(actuator).set(state, config.hold !== false)) };
        well(this, `${actuator} ${state}`);
        return [{ ...msg, payload }, null];
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 409) throw error;
        return [null, { ...msg, ...refused({ actuator, state }, error) }];
      }
    });
    this.on("close", (done) => {
      for (const hold of holds.values()) hold.stop();
      done();
    });
  }
  RED.nodes.registerType("fieldwatt-command", FieldwattCommand);
};

/** true, 1, "on" are on; false, 0, "off" are off; anything else is a mistake that nobody should guess at. */
function stateOf(payload) {
  if (payload === true || payload === 1 || payload === "on") return "on";
  if (payload === false || payload === 0 || payload === "off") return "off";
  throw new Error(`${JSON.stringify(payload)} is neither on nor off`);
}
