import { Command } from "commander";
import { loadCatalogue } from "../drivers/index.ts";
import { checkSite, loadSite } from "../gateway/site/load.ts";
import { problemToText } from "../platform/yaml-file.ts";
import { messageOf } from "../domain/model/index.ts";

export function siteCommand(): Command {
  const site = new Command("site").description("the site file: what hangs where, and whose it is");
  site
    .command("check")
    .description("check a site file; names file, line and column of every error")
    .argument("<file>", "the site file, YAML")
    .option("--json", "print the problems as JSON")
    .addHelpText("after", "\nExample:\n  fieldwatt site check site.yaml")
    .action(async (file: string, { json }: { json?: true }) => {
      const problems = [...(await checkSite(file)).map(problemToTextAnd)];
      if (problems.length === 0) problems.push(...(await unknownDevices(file)));
      if (json)
        console.log(
          JSON.stringify(
            { file, ok: problems.length === 0, problems: problems.map((p) => p.problem) },
            null,
            2,
          ),
        );
      else console.log(problems.length === 0 ? `${file}: no errors` : problems.map((p) => p.text).join("\n"));
      if (problems.length > 0) process.exitCode = 1;
    });
  return site;
}

const problemToTextAnd = <T extends Parameters<typeof problemToText>[0]>(problem: T) => ({
  problem: problem as object,
  text: problemToText(problem),
});

/** Devices whose device file does not exist: the schema cannot know them. */
async function unknownDevices(file: string): Promise<{ problem: object; text: string }[]> {
  const site = await loadSite(file);
  const catalogue = await loadCatalogue(site.deviceFiles === undefined ? [] : [site.deviceFiles]);
  return site.devices.flatMap((device) => {
    try {
      catalogue.find(device.device);
      return [];
    } catch (error) {
      const message = `devices: ${device.id}: ${messageOf(error)}`;
      return [{ problem: { file, message }, text: `${file}: ${message}` }];
    }
  });
}
