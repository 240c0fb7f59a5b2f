"use strict";
/** All nodes of the package; each file registers one. */
module.exports = function (RED) {
  for (const register of [
    require("./gateway.js"),
    require("./stream.js"),
    require("./reading.js"),
    require("./balance.js"),
    require("./summary.js"),
    require("./advice.js"),
    require("./alert.js"),
    require("./command.js"),
    require("./fault.js"),
  ])
    register(RED);
};
