import { Command } from "commander";
import { checkSite } from "../gateway/site/check.ts";
import { problemToText } from "../platform/yaml-file.ts";

export function siteCommand(): Command {
  const site = new Command("site").description("the site file: what hangs where, and whose it is");
  site
    .command("check")
    .description("check a site file and what it names; tells file, line and column of every error")
    .argument("<file>", "the site file, YAML")
    .option("--json", "print the problems as JSON")
    .addHelpText("after", "\nExample:\n  fieldwatt site check site.yaml")
    .action(async (file: string, { json }: { json?: true }) => {
      const problems = await checkSite(file);
      const ok = problems.length === 0;
      if (json) console.log(JSON.stringify({ file, ok, problems }, null, 2));
      else console.log(ok ? `${file}: no errors` : problems.map(problemToText).join("\n"));
      if (!ok) process.exitCode = 1;
    });
  return site;
}
