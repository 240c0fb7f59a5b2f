import { readFile } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import { discreteGaussian, discreteLaplace, type ByteSource } from "../domain/consent/noise.ts";
import { FieldwattError, messageOf, rationalFromText, type Rational } from "../domain/model/index.ts";
import { wholeNumber } from "./command-line.ts";

const COUNT_MAX = 1_000_000;

interface Options {
  readonly bytes: string;
  readonly count?: number;
  readonly json?: true;
}

/** Exact noise from given bytes, so that anybody can replay a published sample. */
export function noiseCommand(): Command {
  const noise = new Command("noise").description("exact noise, drawn from the given bytes only");
  distribution(
    noise,
    "laplace",
    "--scale <rational>",
    "the discrete Laplace distribution; scale as 3 or 7/2",
  ).action(({ scale, ...options }: Options & { scale: Rational }) =>
    draw(options, (bytes) => discreteLaplace(scale, bytes)),
  );
  distribution(
    noise,
    "gaussian",
    "--sigma <rational>",
    "the discrete Gaussian distribution; sigma as 3 or 7/2",
  ).action(({ sigma, ...options }: Options & { sigma: Rational }) =>
    draw(options, (bytes) => discreteGaussian(sigma, bytes)),
  );
  return noise;
}

function distribution(noise: Command, name: string, parameter: string, description: string): Command {
  const [flag = ""] = parameter.split(" ");
  return noise
    .command(name)
    .description(description)
    .requiredOption(parameter, "its width", rationalOption)
    .requiredOption("--bytes <file>", "the random bytes to draw from")
    .option(
      "--count <n>",
      "how many samples (default: as many as the bytes give)",
      wholeNumber({ from: 1, to: COUNT_MAX }),
    )
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `\nPrints one whole number a line.\n\nExample:\n  fieldwatt noise ${name} ${flag} 7/2 --bytes random.bin --count 10`,
    );
}

function rationalOption(text: string): Rational {
  try {
    return rationalFromText(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** The bytes are used up: the sample that was being drawn is not given. */
class Exhausted extends Error {}

async function draw(
  { bytes: file, count, json }: Options,
  sample: (bytes: ByteSource) => bigint,
): Promise<void> {
  const all = await readFile(file);
  let used = 0;
  const source: ByteSource = (length) => {
    if (used + length > all.length) throw new Exhausted();
    used += length;
    return all.subarray(used - length, used);
  };
  const samples: bigint[] = [];
  try {
    while (samples.length < (count ?? COUNT_MAX) && used < all.length) samples.push(sample(source));
  } catch (error) {
    if (!(error instanceof Exhausted)) throw error;
  }
  if (count !== undefined && samples.length < count) {
    throw new FieldwattError(
      "OPTION_INVALID",
      `${file} has ${all.length} bytes; they give ${samples.length} samples, not ${count}`,
    );
  }
  if (json) console.log(JSON.stringify({ samples: samples.map(Number), bytesUsed: used }));
  else console.log(samples.join("\n"));
}
