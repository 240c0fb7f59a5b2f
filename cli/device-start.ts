/** The files that `fieldwatt device new` writes. Each is valid as it is, with one test, and says what to change. */
export interface Names {
  readonly id: string;
  /** As YAML scalars. */
  readonly maker: string;
  readonly model: string;
}

const head = ({
  id,
  maker,
  model,
}: Names): string => `# A device file is data: what stands in the maker's sheet, and proof that it is read right.
# docs/adding-a-device.md goes through it step by step; "fieldwatt device test FILE" checks it.
id: ${id}
maker: ${maker}
model: ${model}
# The document and the page that the numbers come from.
source: (write here which sheet, which page)
`;

const modbus = (names: Names): string => `${head(names)}
modbus:
  table: input # function 4; "holding" is function 3
  order: ABCD # CDAB: the low word comes first. BADC, DCBA: the bytes of each register are swapped
  maxRegisters: 80 # the most that one request may ask for
  # maxGap: 10 # registers without a point that a request may read over
  # minGapMs: 20 # the rest that the device needs between two requests

# quantity, or quantity.channel (L1, L2, L3, pv, battery). "fieldwatt device list --help" and docs name the quantities.
# at: the wire address, which begins at 0: a sheet's "30001" is input 0, "40001" is holding 0.
# as: int16, uint16, int32, uint32, int64, uint64 or float32. unit: what the device gives after scale.
points:
  voltage: { at: 0x0000, as: uint16, unit: V, scale: 0.1 }
  activePower: { at: 0x0001, as: int32, unit: W }
  activeEnergyImport: { at: 0x0003, as: uint32, unit: kWh, scale: 0.01 }
  # sentinels: what the device sends when it has no value
  # deviceTemperature: { at: 0x0010, as: int16, unit: "°C", scale: 0.1, sentinels: [0x8000] }

# Registers in hex by their first address, and what they mean in stored units (V, A, W, Wh, °C …). A capture from the
# device or an example of the sheet is worth most.
tests:
  - origin: made by hand; replace it by a capture of the device
    registers: { 0x0000: "0903", 0x0001: "0000 04b0", 0x0003: "0000 3039" }
    gives: { voltage: 230.7, activePower: 1200, activeEnergyImport: 123450 }
`;

const mqtt = (names: Names): string => `${head(names)}
# Topics are compared from their end, so that the device's own prefix does not matter. "from" is a path in the JSON.
mqtt:
  messages:
    - topic: status
      points:
        activePower: { from: power, unit: W }
        activeEnergyImport: { from: energy.total, unit: kWh }

tests:
  - origin: made by hand; replace it by a message of the device
    topic: meters/one/status
    payload: '{"power":1200,"energy":{"total":123.45}}'
    gives: { activePower: 1200, activeEnergyImport: 123450 }
`;

const vedirect = (names: Names): string => `${head(names)}
# A device that speaks VE.Direct text by itself. "field" is the name before the tab.
serial: { protocol: vedirect, baudRate: 19200 }
points:
  voltage.battery: { field: V, unit: mV }
  activePower.pv: { field: PPV, unit: W }

tests:
  - origin: made by hand (V 12530, PPV 8; the check byte makes the sum 0); replace it by a capture
    hex: "0d0a560931323533300d0a50505609380d0a436865636b73756d09ee"
    gives: { voltage.battery: 12.53, activePower.pv: 8 }
`;

export const STARTS = { modbus, mqtt, vedirect } as const satisfies Record<string, (names: Names) => string>;
export type Start = keyof typeof STARTS;
