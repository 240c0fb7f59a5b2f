import { normalise } from "../../domain/energy/normalise.ts";
import {
  addMs,
  deviceId,
  instant,
  type Instant,
  type Reading,
  type Sample,
} from "../../domain/model/index.ts";
import {
  decodeMessage,
  decodeRegisters,
  decodeSerialBytes,
  loadCatalogue,
  type Catalogue,
  type DeviceDefinition,
} from "../../drivers/index.ts";
import { openWeatherLogger, type WeatherLogger } from "../../simulators/mqtt/weather-logger.ts";
import { shellyStatus, tasmotaSensor } from "../../simulators/mqtt/plugs.ts";
import { planVillage, type PlannedDevice } from "../../simulators/plan.ts";
import { controllerFields, textBlock } from "../../simulators/vedirect.ts";
import { controllerView, gridView, householdOf, registersOf } from "../../simulators/views.ts";
import { random } from "../../simulators/village/random.ts";
import { openVillage, type VillageState } from "../../simulators/village/village.ts";

/**
 * What the record of the simulated village gets: every device of the demo, its bytes made by the simulators and read by
 * the drivers, in order of time. Polls come some milliseconds late, as those of a busy gateway do.
 */
export interface VillageSpan {
  readonly households: number;
  readonly seed: number;
  readonly from: Instant;
  readonly to: Instant;
  /** Of the devices that are polled; as the plan says (1 min, 5 min) where absent. */
  readonly intervalMs?: number;
}

/** The latest that a poll comes, ms. */
const LATE_MS = 12;

export async function* villageReadings(span: VillageSpan): AsyncGenerator<readonly Reading[]> {
  const catalogue = await loadCatalogue();
  const { devices } = planVillage(span);
  const commissioned = span.from;
  const village = openVillage({ seed: span.seed, households: span.households, commissioned });
  const polled = devices.map((device) => openPoll(device, catalogue, span));
  const dice = random(span.seed, "polls");
  for (let time = span.from; time < span.to; time = addMs(time, 1_000)) {
    for (const { everyMs, read } of polled) {
      if ((time - span.from) % everyMs !== 0) continue;
      const late = addMs(time, Math.floor(dice.between(0, LATE_MS)));
      const readings = read(village.at(late), late);
      if (readings.length > 0) yield readings;
    }
  }
}

interface Poll {
  readonly everyMs: number;
  read(state: VillageState, now: Instant): readonly Reading[];
}

function openPoll(device: PlannedDevice, catalogue: Catalogue, span: VillageSpan): Poll {
  const definition = catalogue.find(device.device);
  const samples = sampler(device, definition, span);
  const placement = {
    device: deviceId(device.id),
    mounting: device.mounting,
    reversed: false,
    generator: definition.generator,
  };
  const planned = Number.parseInt(device.interval, 10) * 60_000;
  const everyMs = device.mounting === "weather" ? planned : (span.intervalMs ?? planned);
  return {
    everyMs,
    read: (state, now) => samples(state, now).map((sample) => normalise(sample, placement, now)),
  };
}

type Sampler = (state: VillageState, now: Instant) => readonly Sample[];

function sampler(device: PlannedDevice, definition: DeviceDefinition, span: VillageSpan): Sampler {
  const grid = (state: VillageState) => gridView(householdOf(state, device), state.elapsed);
  switch (device.device) {
    case "tasmota-energy":
      return (state, now) => decoded(definition, { ...tasmotaSensor(grid(state), now), now });
    case "shelly-energy":
      return (state, now) => decoded(definition, { ...shellyStatus(grid(state), now), now });
    case "fieldwatt-weather-station":
      return weather(device, definition, span);
    case "victron-mppt":
      return (state) => {
        const { battery } = householdOf(state, device);
        if (!battery) return [];
        return decodeSerialBytes(
          definition,
          textBlock(controllerFields(controllerView(state, device, battery))),
        ).samples;
      };
    case "eastron-sdm120":
    case "eastron-sdm630":
    case "peacefair-pzem-004t-v3":
    case "sunspec-inverter":
    case "zts-3000-tr-ws-n01":
      return (state) => {
        const { input = new Map(), holding = new Map() } = registersOf(state, device);
        return decodeRegisters(definition, { input, holding }).samples;
      };
  }
}

const decoded = (
  definition: DeviceDefinition,
  { subtopic, payload, now }: { subtopic: string; payload: Uint8Array; now: Instant },
): readonly Sample[] => decodeMessage(definition, { topic: subtopic, payload, now }).samples;

function weather({ id }: PlannedDevice, definition: DeviceDefinition, { seed, from }: VillageSpan): Sampler {
  const logger: WeatherLogger = openWeatherLogger({
    id,
    seed,
    commissioned: from,
    through: instant(from - 1),
  });
  return (_state, now) =>
    logger.due(now).flatMap(({ payload }) => decoded(definition, { subtopic: "senml", payload, now }));
}
