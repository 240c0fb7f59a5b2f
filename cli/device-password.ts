import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { Command } from "commander";
import { FieldwattError } from "../domain/model/index.ts";
import { setDevicePasswords } from "../gateway/acquire/device-passwords.ts";
import { loadSite, type Site } from "../gateway/site/load.ts";

export function devicePasswordCommand(): Command {
  return new Command("password")
    .description("give an MQTT device a new password on the village broker; it is shown once")
    .argument("<device>", "the device's id in the site file; it is also its MQTT user")
    .requiredOption("--site <file>", "the site file")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  fieldwatt device password household-03-meter --site site.yaml")
    .action(async (id: string, { site: file, json }: { site: string; json?: true }) => {
      const site = await loadSite(file);
      const topic = topicsOf(site).get(id);
      if (topic === undefined) {
        const known = [...topicsOf(site).keys()];
        throw new FieldwattError(
          "OPTION_INVALID",
          `${file} has no MQTT device "${id}"; it has ${known.join(", ") || "none"}`,
        );
      }
      await mkdir(site.data, { recursive: true, mode: 0o700 });
      const { [id]: password } = await setDevicePasswords(site.data, [id], randomBytes);
      if (json) console.log(JSON.stringify({ user: id, password, topic }));
      else
        console.log(
          `user      ${id}\npassword  ${password}\ntopics    ${topic}/…\n\nIt is shown this once; an older password of this device no longer works.`,
        );
    });
}

/** Who signs in to the village broker, and below which topic: the MQTT devices, and Home Assistant. */
function topicsOf({ devices, sinks }: Site): ReadonlyMap<string, string> {
  const { homeAssistant } = sinks;
  return new Map([
    ...devices.flatMap(({ id, connection }): [string, string][] =>
      connection.kind === "mqtt" ? [[id, connection.topic]] : [],
    ),
    ...(homeAssistant ? [[homeAssistant.user, homeAssistant.prefix] as [string, string]] : []),
  ]);
}
